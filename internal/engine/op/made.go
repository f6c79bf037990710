package op

import (
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// made gathers the rows that a stage makes and hands them on, a batch at a time.
// Between two batches it hears whether the run was interrupted.
type made struct {
	event.Batch
	rt   *exec.Runtime
	next exec.Sink
}

// row begins a row, and returns its number in the batch until the next call.
func (m *made) row(time int64, pos uint64) (uint16, error) {
	if m.N == event.MaxRows {
		if err := m.flush(); err != nil {
			return 0, err
		}
	}
	return m.AddRow(time, pos), nil
}

// flush hands on the rows there are.
func (m *made) flush() error {
	if m.N == 0 {
		return nil
	}
	if err := m.rt.Ctx.Err(); err != nil {
		return err
	}
	err := m.next.Push(&m.Batch)
	m.Reset()
	return err
}
