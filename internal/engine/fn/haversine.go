package fn

import (
	"math"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// earthKm is the radius that reproduces the documented distances.
const earthKm = 6372.8

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "haversine", Usage: "haversine(<lat1:expr>, <lon1:expr>, <lat2:expr>, <lon2:expr>)",
		Summary:  "The distance in km between two places on earth.",
		Text:     "Places are latitude and longitude in degrees. The result has two decimals. Text is cast; text that is no number gives null.",
		Differs:  "The earth's radius (6372.8 km) and the two decimals are taken from the documented results.",
		Examples: lang.Calls(`haversine(39.04380, -77.48790, 45.73723, -119.81143)`, `3512.71`, `haversine(10, 20, 10, 20)`, `0`),
	},
	Call: func(_ *expr.Env, args []event.Value) (event.Value, error) {
		var p [4]float64
		for i, v := range args {
			f, ok := v.Float()
			if !ok {
				return event.Value{}, nil
			}
			p[i] = f * (math.Pi / 180)
		}
		return event.Float(round(haversine(p[0], p[1], p[2], p[3]), 2)), nil
	},
})

// haversine is the distance in km of two places given in radians.
func haversine(lat1, lon1, lat2, lon2 float64) float64 {
	s, t := math.Sin((lat2-lat1)/2), math.Sin((lon2-lon1)/2)
	h := s*s + math.Cos(lat1)*math.Cos(lat2)*t*t
	return 2 * earthKm * math.Asin(math.Sqrt(min(h, 1)))
}
