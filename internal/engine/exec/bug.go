package exec

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// Bug is a panic while something ran, as an error of that run. The process and
// what else it runs go on.
type Bug struct {
	Query string // what ran, as the user knows it: a file, a rule's title; "" when not known
	Stage string // where in it: "where", "count by src_ip", "reading"; "" when not known
	Value any    // of the panic
	Stack []byte // of the goroutine, as debug.Stack writes it
}

func (b *Bug) Error() string {
	where := ""
	if b.Stage != "" {
		where = " in " + b.Stage
	}
	if b.Query != "" {
		where += " of " + b.Query
	}
	return fmt.Sprintf("a bug in gyoji stopped the run%s: %v", where, b.Value)
}

// Caught is deferred with the address of a function's error: a panic of the
// function becomes that error. The innermost one that knows a stage names it.
func Caught(err *error, stage string) {
	if p := recover(); p != nil {
		*err = Panicked(p, stage)
	}
}

// Panicked is the error of a panic that has been recovered. It is called in the
// deferred function that did so, where the stack still shows its origin.
func Panicked(p any, stage string) *Bug {
	if b, ok := p.(*Bug); ok { // passed on by another goroutine, or from Open
		if b.Stage == "" {
			b.Stage = stage
		}
		return b
	}
	return &Bug{Stage: stage, Value: p, Stack: debug.Stack()}
}

// Guard calls do, and returns a panic of it as an error.
func Guard(stage string, do func() error) (err error) {
	defer Caught(&err, stage)
	return do()
}

// Named says of the bugs in an error which query they are of, unless that is known.
func Named(err error, query string) error {
	var b *Bug
	if errors.As(err, &b) && b.Query == "" {
		b.Query = query
	}
	return err
}

// IsBug reports whether an error is of a panic.
func IsBug(err error) bool {
	var b *Bug
	return errors.As(err, &b)
}
