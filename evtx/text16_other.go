//go:build !amd64 || purego

package evtx

func narrow(dst, src []byte, json bool) ([]byte, int) { return narrowWords(dst, src, json) }
