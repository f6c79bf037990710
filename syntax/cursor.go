package syntax

// ParseFunc reads the arguments of an operator whose usage line cannot say its
// grammar: all up to the pipe that ends the stage.
type ParseFunc func(*Cursor, *Stage)

// Cursor is how a ParseFunc reads. Once something is missing all its methods do
// nothing, so that a ParseFunc need not look for mistakes.
type Cursor struct {
	p     *parser
	out   *[]Arg
	usage *Usage
	name  string
	lead  string
}

func (c *Cursor) matcher() *matcher {
	return &matcher{p: c.p, usage: c.usage, out: c.out, lead: c.lead}
}

// try reads elements if the next token starts them.
func (c *Cursor) try(e element) bool {
	if c.p.failed || !start(c.p, e, c.p.peek()) {
		if !c.p.failed {
			c.matcher().expect([]element{e})
		}
		return false
	}
	m := c.matcher()
	ok := m.element(e)
	c.lead = m.lead
	return ok
}

// Keyword takes the word, in any case, if it is next, and adds it as an argument.
func (c *Cursor) Keyword(word string) bool { return c.try(keyword{word}) }

// Sign takes a sign such as "," or "=" if it is next.
func (c *Cursor) Sign(text string) bool { return c.try(sign{text}) }

// Slot reads a value of a slot type if one is next, and adds it as an argument.
func (c *Cursor) Slot(name, typ string) bool { return c.try(&slot{name: name, typ: typ}) }

// List reads one or more values separated by commas, if one is next.
func (c *Cursor) List(name, typ string) bool { return c.try(&slot{name: name, typ: typ, list: true}) }

// Done reports whether the stage may end here.
func (c *Cursor) Done() bool {
	t := c.p.peek()
	return t.kind == tokEnd || t.is("|") || t.is(")") || t.is("]")
}

// Fail reports that what was tried last is missing.
func (c *Cursor) Fail() { c.p.report(c.name, c.usage.Line) }

// Failed reports whether a mistake was found; nothing more is read then.
func (c *Cursor) Failed() bool { return c.p.failed }
