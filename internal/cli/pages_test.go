package cli

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPages runs every gyoji command in README.md and the guides, each in a
// folder that has samples/ and packages/, and beside them copies of the samples
// under the names that the pages use for anybody's logs; README.md's run in what a clone has. A command must end with
// exit code 0, or with the one that a comment behind it names ("exit code 2").
// A text block behind a command is what it prints; TIME stands for a time.
func TestPages(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	work(t, dir)
	clone := t.TempDir() // what the README's commands name is in a fresh clone
	for _, name := range []string{"samples", "packages", "evtx"} {
		if err := os.CopyFS(filepath.Join(clone, name), os.DirFS(filepath.Join("../..", name))); err != nil {
			t.Fatal(err)
		}
	}
	ran := 0
	for _, page := range append([]string{"../../README.md"}, pages...) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range commandsOf(string(text)) {
			ran++
			t.Run(fmt.Sprintf("%s:%d", filepath.Base(page), c.line), func(t *testing.T) {
				if page == "../../README.md" {
					c.run(t, clone)
				} else {
					c.run(t, dir)
				}
			})
		}
	}
	if ran < 20 {
		t.Errorf("only %d commands were found: the pages are not read", ran)
	}
}

// TestReadmeNamesEveryCommand keeps the README's list whole.
func TestReadmeNamesEveryCommand(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var help bytes.Buffer
	if code := Main([]string{"--help"}, nil, &help, &help); code != 0 {
		t.Fatalf("exit code %d\n%s", code, &help)
	}
	names := regexp.MustCompile(`(?m)^  (\w+)  +[A-Z]`).FindAllStringSubmatch(help.String(), -1)
	if len(names) < 15 {
		t.Fatalf("only %d commands in\n%s", len(names), &help)
	}
	for _, n := range names {
		if n[1] != "help" && !bytes.Contains(readme, []byte("`gyoji "+n[1]+"`")) {
			t.Errorf("README.md does not name %s", n[1])
		}
	}
}

// work fills a folder with what the pages' commands name.
func work(t *testing.T, dir string) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"samples", "packages"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join(root, name))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"evtx", "logs"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join(root, "samples"))); err != nil {
			t.Fatal(err)
		}
	}
	security, err := os.ReadFile(filepath.Join(root, "samples", "security.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(security); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"logs/security.jsonl.gz": packed.Bytes(), "day.json.gz": packed.Bytes(),
		"query.sumo": []byte("* | count by Computer\n"), "office.sumo": office(t, root),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// office is the query that conversion.md shows.
func office(t *testing.T, root string) []byte {
	page, err := os.ReadFile(filepath.Join(root, "docs", "conversion.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(page), "With this in `office.sumo`:\n\n```\n")
	query, _, ok := strings.Cut(after, "```")
	if !ok {
		t.Fatal("conversion.md does not show office.sumo")
	}
	return []byte(query)
}

// pageCommand is a command in a page.
type pageCommand struct {
	line int
	text string
	code int
	want *string // what it prints
}

var (
	exitCode = regexp.MustCompile(`#.*exit code (\d+)`)
	took     = regexp.MustCompile(` in [0-9.]+(µs|ms|s|m[0-9.]+s)\b`)
)

// commandsOf are the gyoji commands of a page's sh blocks. A line that ends in a
// backslash goes on in the next.
func commandsOf(page string) (all []*pageCommand) {
	lines := strings.Split(page, "\n")
	for i := 0; i < len(lines); i++ {
		if lines[i] != "```sh" {
			continue
		}
		var last *pageCommand
		for i++; i < len(lines) && lines[i] != "```"; i++ {
			line, at := lines[i], i+1
			for strings.HasSuffix(line, `\`) && i+1 < len(lines) {
				i++
				line = strings.TrimSuffix(line, `\`) + lines[i]
			}
			line = strings.Replace(line, "go run ./cmd/gyoji", "gyoji", 1)
			if !regexp.MustCompile(`(^|\| |\$\()gyoji `).MatchString(line) {
				continue
			}
			last = &pageCommand{line: at, text: line}
			if m := exitCode.FindStringSubmatch(line); m != nil {
				fmt.Sscan(m[1], &last.code)
			}
			all = append(all, last)
		}
		if last != nil && i+2 < len(lines) && lines[i+1] == "" && lines[i+2] == "```text" {
			var out []string
			for i += 3; i < len(lines) && lines[i] != "```"; i++ {
				out = append(out, lines[i])
			}
			want := strings.Join(out, "\n") + "\n"
			last.want = &want
		}
	}
	return all
}

func (c *pageCommand) run(t *testing.T, dir string) {
	cmd := exec.Command("sh", "-c", c.text)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "NO_COLOR=1", "XDG_CONFIG_HOME="+filepath.Join(dir, "none"), "XDG_DATA_HOME="+filepath.Join(dir, "none"))
	out, err := cmd.CombinedOutput()
	code := 0
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		code = failed.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if code != c.code {
		t.Errorf("%s\nexit code %d, want %d\n%s", c.text, code, c.code, out)
	}
	if got := took.ReplaceAllString(string(out), " in TIME"); c.want != nil && got != *c.want {
		t.Errorf("%s\nprints\n%s\nand the page says\n%s", c.text, got, *c.want)
	}
}
