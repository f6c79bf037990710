//go:build !amd64 || purego

package evtx

const hasSameFree = false

func sameFree(_, _ *byte, _ *uint32, _ int) bool { panic("bug: sameFree called where there is none") }
