// Package packages embeds the detection packages that gyoji ships.
package packages

import "embed"

// FS holds one folder for each detection package.
//
//go:embed */*
var FS embed.FS
