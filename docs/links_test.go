package docs

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var (
	fence    = regexp.MustCompile("^ {0,3}(```+|~~~+)")
	codeSpan = regexp.MustCompile("``[^\n]*?``|`[^`\n]*`")
	comment  = regexp.MustCompile(`(?s)<!--.*?-->`)
	linkForm = regexp.MustCompile(`\]\(<?([^()\s>]*(?:\([^()\s]*\)[^()\s>]*)*)>?(?:\s+"[^"]*")?\)`)
	linkDef  = regexp.MustCompile(`(?m)^ {0,3}\[[^\]]+\]:\s+<?(\S+?)>?\s*$`)
	htmlLink = regexp.MustCompile(`(?:src|srcset|href)="([^"]*)"`)
	heading  = regexp.MustCompile(`(?m)^#{1,6}[ \t]+(.+?)[ \t]*#*$`)
	ownID    = regexp.MustCompile(`\{#([\w-]+)\}`)
	linkText = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
)

// prose is a page without its blocks of code: from a fence to the next that is as long.
func prose(text string) string {
	var out []string
	open := ""
	for _, line := range strings.Split(text, "\n") {
		m := fence.FindStringSubmatch(line)
		switch {
		case open == "" && m != nil:
			open = m[1]
		case open != "":
			if m != nil && strings.HasPrefix(m[1], open) && strings.TrimSpace(line) == m[1] {
				open = ""
			}
		default:
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// linksOf are the addresses that a page of Markdown links to, those in code excepted.
func linksOf(text string) (links []string) {
	text = codeSpan.ReplaceAllString(comment.ReplaceAllString(prose(text), ""), "``")
	for _, form := range []*regexp.Regexp{linkForm, linkDef, htmlLink} {
		for _, m := range form.FindAllStringSubmatch(text, -1) {
			links = append(links, m[1])
		}
	}
	return links
}

// anchorsOf are the ids that the headings of a page have on GitHub: in lower case, blanks as
// hyphens, without other marks; -1 after the second of a name.
func anchorsOf(text string) (ids []string) {
	seen := map[string]int{}
	for _, m := range heading.FindAllStringSubmatch(prose(text), -1) {
		title := linkText.ReplaceAllString(m[1], "$1")
		if id := ownID.FindStringSubmatch(title); id != nil {
			ids = append(ids, id[1])
			title = ownID.ReplaceAllString(title, "")
		}
		id := strings.Map(func(r rune) rune {
			switch {
			case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
				return unicode.ToLower(r)
			case r == ' ':
				return '-'
			}
			return -1
		}, strings.TrimSpace(title))
		n := seen[id]
		seen[id]++
		if n > 0 {
			id = fmt.Sprintf("%s-%d", id, n)
		}
		ids = append(ids, id)
	}
	return ids
}

// pages are all pages of Markdown of the repository, by path below its root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != ".." && (strings.HasPrefix(name, ".") && name != ".github" || slices.Contains([]string{"testdata", "dist", "release", "site", "data", "node_modules"}, name)) {
				return filepath.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(name, ".md") {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			at, err := filepath.Rel("..", path)
			if err != nil {
				return err
			}
			all[filepath.ToSlash(at)] = strings.ReplaceAll(string(text), "\r\n", "\n")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Every link of every page leads to a file that there is, spelled as it is, and to a
// heading of it. Addresses elsewhere are well formed and https; they are not asked.
func TestLinks(t *testing.T) {
	all := pages(t)
	checked := 0
	for at, text := range all {
		for _, link := range linksOf(text) {
			checked++
			if why := broken(all, at, link); why != "" {
				t.Errorf("%s: (%s) %s", at, link, why)
			}
		}
	}
	if len(all) < 100 || checked < 200 {
		t.Errorf("only %d links in %d pages were found: they are not read", checked, len(all))
	}
}

// broken says why a link of a page leads nowhere; "" for one that leads somewhere.
func broken(all map[string]string, at, link string) string {
	u, err := url.Parse(link)
	switch {
	case err != nil:
		return "is no address"
	case u.Scheme == "mailto":
		return ""
	case u.Scheme != "" && (u.Scheme != "https" || u.Host == ""):
		return "is neither of this repository nor https"
	case u.Scheme != "":
		return ""
	case link == "" || strings.HasPrefix(link, "/"):
		return "is no path beside this page"
	}
	to := at
	if u.Path != "" {
		to = filepath.ToSlash(filepath.Join(filepath.Dir(at), filepath.FromSlash(u.Path)))
	}
	if !filepath.IsLocal(filepath.FromSlash(to)) {
		return "leads out of the repository"
	}
	// Each part is looked for in its folder: some systems take any letter case.
	dir := ".."
	for _, part := range strings.Split(to, "/") {
		if part == "." {
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil || !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == part }) {
			return "leads to no file: there is no " + part + " in " + dir
		}
		dir = filepath.Join(dir, part)
	}
	if u.Fragment == "" {
		return ""
	}
	page, ok := all[to]
	if !ok {
		return "names a heading of what is no page"
	}
	if !slices.Contains(anchorsOf(page), u.Fragment) {
		return "leads to no heading #" + u.Fragment + " of " + to
	}
	return ""
}

// The check finds what it looks for.
func TestBrokenLinks(t *testing.T) {
	all := map[string]string{"docs/searching.md": "# A page\n## What's `x`, and y?\n## Twice\n## Twice\n## With id {#own}\n", "README.md": ""}
	for link, want := range map[string]string{
		"../README.md": "", "#a-page": "", "#whats-x-and-y": "", "#twice-1": "", "#own": "", "#twice-2": "no heading", "#A-page": "no heading",
		"nowhere.md#x": "no file", "../readme.md": "no file", "../README.md#x": "no heading", "../../x": "out of the repository",
		"http://example.com": "nor https", "https://example.com/x?y#z": "", "/x": "no path beside", "": "no path beside", "javascript:x": "nor https", "https:x": "nor https", "%zz": "no address",
		"../docs/links_test.go": "", "../docs/links_test.go#L1": "what is no page",
	} {
		got := broken(all, "docs/searching.md", link)
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("(%s): %q, want %q", link, got, want)
		}
	}
	text := "[a](b.md) `[c](d.md)` ![e](f.png \"title\")\n```\n[g](h.md)\n```\n````\n```\n[g](h.md)\n```\n[g](h.md)\n````\n[i]: j.md\n<img src=\"k.svg\"> <!-- [l](m.md) --> [n](o_(p).md) [q](<r.md>)\n"
	if got := strings.Join(linksOf(text), " "); got != "b.md f.png o_(p).md r.md j.md k.svg" {
		t.Errorf("the links are %q", got)
	}
}
