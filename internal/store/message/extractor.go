package message

// Extractor is the number of what messages are read as. It rises whenever a value
// changes that a reader of some format gives, so that columns which were made before are
// no longer taken for what reading would give. TestExtractor holds it to the samples.
const Extractor = 1
