package expr

// requiredMax is how many requirements on one field an OR takes from each of
// its branches: an AND of n in each makes n times n, and twenty such branches
// would make more than any memory holds. The most telling are kept.
const requiredMax = 8
