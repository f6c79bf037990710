package datefmt

import "testing"

func BenchmarkFind(b *testing.B) {
	for name, line := range map[string]string{
		"start": `2024-03-01 08:00:00,123 INFO [worker-3] com.example.Service - request 1 from 10.0.1.2 took 7 ms status=200 path=/a/b/123abc`,
		"late":  `{"level":"info","msg":"request 1234 served from 10.0.12.13 version 1.2.4","id":"c3b9f2d1a5e8f7","when":"2024-03-01 08:00:00.123"}`,
		"none":  `{"level":"info","msg":"request 1234 served from 10.0.12.13 version 1.2.4","id":"c3b9f2d1a5e8f7","when":"never", "more":"text again"}`,
	} {
		b.Run(name, func(b *testing.B) {
			r := Recogniser{}
			text := []byte(line)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				r.Find(text)
			}
		})
	}
}
