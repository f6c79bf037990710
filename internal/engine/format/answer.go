package format

import (
	"bytes"

	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// answerDepth is how deep in an API's answer the list of events may stand.
const answerDepth = 2

// holdsEvents reports whether the elements of a list in an object are the events: they
// say when they were or are of Windows, or the object itself says neither. An activity
// with a time and a list of what it did is one event.
func holdsEvents(object, list []byte) bool {
	first := firstObject(list)
	if first == nil {
		return false
	}
	return timed(first) || signed(first) || !ownTime(object, list)
}

// firstObject is the first element of a list, as much of it as there is; nil where that
// is no object.
func firstObject(list []byte) []byte {
	i := skipBlank(list, 1)
	if i >= len(list) || list[i] != '{' {
		return nil
	}
	if end := objectEnd(list, i); end > 0 {
		return list[i:end]
	}
	return list[i:]
}

// ownTime reports whether an object says a time besides those in a list of it.
func ownTime(object, list []byte) bool {
	at := offsetIn(object, list)
	return timed(object[:at]) || timed(object[at+len(list):])
}

// timed reports whether a text says a time.
func timed(text []byte) bool {
	r := datefmt.Recogniser{Now: someDay}
	s, ok := r.Find(text)
	return ok && !s.Bare
}

// answered is the list of events in an object whose name for it is not known: objects
// that say when they were, in an object that does not. It is nil where there is none. Of
// an object that is cut short the list is as much as there is.
func answered(object []byte) []byte {
	if !mayAnswer(object) {
		return nil
	}
	list := timedList(object, 0)
	if list == nil || ownTime(object, list) {
		return nil
	}
	if at := offsetIn(object, list); signed(object[:at]) || signed(object[at+len(list):]) {
		return nil // it is a Windows event itself
	}
	return list
}

// mayAnswer reports whether a list of objects stands in a text.
func mayAnswer(object []byte) bool {
	for at := 0; ; at++ {
		i := bytes.IndexByte(object[at:], '[')
		if i < 0 {
			return false
		}
		at += i
		if j := skipBlank(object, at+1); j < len(object) && object[j] == '{' {
			return true
		}
	}
}

func timedList(object []byte, depth int) []byte {
	for i := skipBlank(object, 1); i < len(object) && object[i] == '"'; {
		_, end := jsonValue(object, i)
		if end < 0 {
			return nil
		}
		if i = skipBlank(object, end); i >= len(object) || object[i] != ':' {
			return nil
		}
		i = skipBlank(object, i+1)
		v, end := jsonValue(object, i)
		if end < 0 { // cut short in here
			if i >= len(object) || object[i] != '{' && object[i] != '[' {
				return nil
			}
			v, end = jsondoc.Value{Kind: jsondoc.Container, Raw: object[i:]}, len(object)
		}
		if v.Kind == jsondoc.Container {
			switch first := firstObject(v.Raw); {
			case v.Raw[0] == '[' && first != nil && timed(first):
				return v.Raw
			case v.Raw[0] == '{' && depth < answerDepth:
				if list := timedList(v.Raw, depth+1); list != nil {
					return list
				}
			}
		}
		if i = skipBlank(object, end); i < len(object) && object[i] == ',' {
			i = skipBlank(object, i+1)
		}
	}
	return nil
}
