package notify

import "time"

// Fast has a notifier try again soon, for tests.
func (o *Options) Fast(give time.Duration) {
	o.pace = pace{first: 20 * time.Millisecond, most: 200 * time.Millisecond, give: give, send: 2 * time.Second, look: 10 * time.Millisecond}
}
