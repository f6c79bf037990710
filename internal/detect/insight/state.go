package insight

import (
	"encoding/json"
	"fmt"
)

// stateVersion is raised with any change of what Save writes.
const stateVersion = 1

type savedDesk struct {
	Version int
	*Desk
}

// Save is the desk written down.
func (d *Desk) Save() ([]byte, error) { return json.Marshal(savedDesk{stateVersion, d}) }

// Load is the desk that Save has written. A version that is not known is an error.
func Load(state []byte) (*Desk, error) {
	s := savedDesk{Desk: NewDesk(Entity{})}
	if err := json.Unmarshal(state, &s); err != nil {
		return nil, fmt.Errorf("the state of an entity cannot be read: %w", err)
	}
	if s.Version != stateVersion {
		return nil, fmt.Errorf("the state of an entity has version %d, and this program reads version %d", s.Version, stateVersion)
	}
	if s.Repeats == nil || s.Cuts == nil {
		return nil, fmt.Errorf("the state of an entity is not whole")
	}
	return s.Desk, nil
}
