package machine

// match fires for every hit (6.1).
type match struct{}

// NewMatch is for a match rule; it remembers nothing.
func NewMatch() Machine { return match{} }

func (match) Take(h *Hit, fire Fire) { fire(&Firing{Hit: h, Records: []*Hit{h}, Total: 1}) }
func (match) Close(int64, Fire) bool { return false }
func (match) Idle(int64) bool        { return true }
func (match) Lost() int              { return 0 }
func (match) Share() float64         { return 1 }
func (match) Short() string          { return "" }
func (match) Save() ([]byte, error)  { return nil, nil }
func (match) Load([]byte) error      { return nil }
