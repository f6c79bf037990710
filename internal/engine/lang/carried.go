package lang

// CarriedPrefix begins the names of fields that go along with a message through a query
// unseen, whatever fields it keeps. No query can say such a name.
const CarriedPrefix = "_carried "

// CarriedPlace is the position (event.Position) of the message that a row is of; of a
// group's row, that of its first message.
const CarriedPlace = CarriedPrefix + "place"

// CarriedPlaces is, of a row of an aggregate over messages, how many these are and the
// positions of the first of them: text, with spaces between. Scope.Once asks for it.
const CarriedPlaces = CarriedPrefix + "places"

// CarriedName is under which name a field of an event is carried.
func CarriedName(field string) string { return CarriedPrefix + field }
