package record

import (
	"embed"
	"io/fs"
	"sync"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// vendorFiles are the log parsers and log mappings of products other than Windows,
// one file for each, in the form that users write their own in.
//
//go:embed vendor/*.yaml
var vendorFiles embed.FS

type ofVendors struct {
	mappers []*Mapper
	parsers []*Parser
}

var vendors = sync.OnceValue(func() (v ofVendors) {
	entries, err := fs.ReadDir(vendorFiles, "vendor")
	if err != nil {
		panic("bug: record: " + err.Error())
	}
	for _, e := range entries {
		text, err := fs.ReadFile(vendorFiles, "vendor/"+e.Name())
		if err != nil {
			panic("bug: record: " + err.Error())
		}
		docs, found := ruledoc.Read(diag.Text(e.Name(), string(text)))
		for _, d := range docs {
			switch d.What {
			case ruledoc.LogMapping:
				ms, ds := ofMapping(d)
				for _, m := range ms {
					m.User = false
				}
				v.mappers, found = append(v.mappers, ms...), append(found, ds...)
			case ruledoc.Parser:
				p, ds := ofParser(d)
				v.parsers, found = append(v.parsers, p), append(found, ds...)
			}
		}
		if len(found) > 0 {
			panic("bug: record: vendor/" + e.Name() + ": " + found[0].Message)
		}
	}
	return v
})
