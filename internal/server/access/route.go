package access

import "net/http"

// Route is one call of the API. The server checks key, role, rate, size and time before
// it calls Serve.
type Route struct {
	// Pattern is net/http's: "GET /api/v1/search/jobs/{id}".
	Pattern string
	// Role is what the key must be allowed; Public asks for no key.
	Role Role
	// Asks says that the call changes nothing, although it is no GET: it is not in the log of
	// who changed what.
	Asks bool
	// Serve answers. From(r.Context()) is who asks.
	Serve http.HandlerFunc
	// Missing, where Serve is nil, says why a call that clients know is not offered.
	// It is answered with Status, 501 where that is 0, and logged once.
	Missing string
	Status  int
}
