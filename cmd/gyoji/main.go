// Command gyoji runs security detections written for Sumo Logic over local logs.
package main

import (
	"os"

	"github.com/gyoji-dev/gyoji/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
