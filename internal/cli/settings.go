package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/gyoji-dev/gyoji/diag"
)

// settingsName is the file that holds defaults of flags: in the folder where gyoji runs,
// and in the user's folder of configurations.
const settingsName = "gyoji.yaml"

const (
	settingsMax = 256 << 10 // bytes of the file
	logsSection = "logs"    // the settings of every command that reads logs
	noSettings  = "none"    // what --config takes instead of a file
)

// The origins of settings, the strongest last.
const (
	fromUser   = "user"
	fromFolder = "folder"
	fromNamed  = "named" // by --config
)

// setting is a flag's value that a file holds.
type setting struct {
	section string // "hunt", "pkg lint", "logs", or "" for all commands
	flag    string
	values  []string
	list    bool
	from    string
	file    string // as messages name it
	line    int
}

// place is where the setting stands.
func (s *setting) place() string { return fmt.Sprintf("%s:%d", s.file, s.line) }

// pathIn says which part of a flag's value is the path of a file.
type pathIn int

const (
	noPath     pathIn = iota
	wholeValue        // FILE
	afterEqual        // PATH=FILE
	maybeNamed        // NAME=FILE or FILE
	nameOrPath        // the name of something else where there is no such file
)

// flagPaths are the flags whose values name files. In a settings file such a path is
// relative to the folder of the file.
var flagPaths = map[string]pathIn{
	"detections": nameOrPath, "table": afterEqual, "geo": wholeValue, "threat": maybeNamed, "placeholders": wholeValue,
	"params": wholeValue, "settings": wholeValue, "baseline": wholeValue, "output": wholeValue, "temp-dir": wholeValue,
	"kafka-ca": wholeValue, "key": wholeValue, "new-key": wholeValue, "signature": wholeValue, "query": nameOrPath,
}

// folderFlags are the flags that the file of a folder may set. Whoever sends somebody a
// folder of logs writes that file, so it must not write or overwrite a file, reach
// another machine, choose what is read besides what is in the folder, whom to trust, or
// what gyoji says of itself. Only what is listed may be set: a new flag may not.
var folderFlags = strings.Fields(`
	category map no-map carve date-order input-format timezone from to now jobs memory strict table geo threat
	detections placeholders level min-severity tag sysmon-only host user detection settings baseline
	format safe-csv sort timeline no-fold fail-on color verbose param params param-default
	min-kill rows expires owner technique index field`)

// together are flags that answer one question: where one is given, the defaults of the
// others do not count.
var together = [][]string{{"sort", "timeline"}, {"map", "no-map"}, {"min-severity", "level"}}

// questionOf is what a flag answers: its own name, or that of the first of its group.
func questionOf(flag string) string {
	for _, g := range together {
		if slices.Contains(g, flag) {
			return g[0]
		}
	}
	return flag
}

// settingsFile is a file of settings that gyoji looks for.
type settingsFile struct {
	from  string
	path  string
	there bool
}

// settingsFiles are the files that hold for a run, the strongest last.
func (a *app) settingsFiles() []settingsFile {
	switch a.config {
	case noSettings:
		return nil
	case "":
		own := ownSettings()
		if !filepath.IsAbs(own) { // nobody has a home folder here
			return []settingsFile{{from: fromFolder, path: settingsName}}
		}
		files := []settingsFile{{from: fromUser, path: own}, {from: fromFolder, path: settingsName}}
		if at, err := filepath.Abs(settingsName); err == nil && at == own {
			return files[:1] // gyoji runs in the folder of configurations
		}
		return files
	}
	return []settingsFile{{from: fromNamed, path: a.config}}
}

// ownSettings is the user's file.
func ownSettings() string { return filepath.Join(xdg.ConfigHome, "gyoji", settingsName) }

// settings reads all files. Every mistake in them is an error, each with its place.
func (a *app) settings(root *cobra.Command) (files []settingsFile, all []*setting, errs []error) {
	files = a.settingsFiles()
	for i := range files {
		f := &files[i]
		text, err := readSettings(f)
		if f.from != fromNamed && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)) {
			continue
		}
		if f.from == fromUser && errors.Is(err, fs.ErrPermission) { // of another user, as with sudo
			fmt.Fprintf(a.stderr, "gyoji: %s: you have no permission for it, so its defaults do not count\n", f.path)
			continue
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		f.there = true
		found, wrong := parseSettings(root, f, text)
		all, errs = append(all, found...), append(errs, wrong...)
	}
	return files, all, errs
}

// readSettings reads a file, unless it is no plain file or too large: a pipe would never
// end. A folder's may be no link either: a message about it would show a line of another
// file, in CI to everybody.
func readSettings(file *settingsFile) ([]byte, error) {
	path, stat := file.path, os.Stat
	if file.from == fromFolder {
		stat = os.Lstat
	}
	st, err := stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no plain file, and gyoji takes defaults from it: remove it, or run with --config none", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, settingsMax+1))
	if err == nil && len(text) > settingsMax {
		err = fmt.Errorf("%s is larger than %d KiB, and no list of flags is", path, settingsMax>>10)
	}
	return text, err
}

// parseSettings takes a file apart: commands, with the flags of each, and the flags of all.
func parseSettings(root *cobra.Command, f *settingsFile, text []byte) (all []*setting, errs []error) {
	bad := func(n *yaml.Node, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s:%d: %s", f.path, n.Line, fmt.Sprintf(format, args...)))
	}
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&doc); err == io.EOF {
		return nil, nil
	} else if err != nil {
		return nil, []error{fmt.Errorf("%s: %w", f.path, err)}
	}
	if err := d.Decode(new(yaml.Node)); err != io.EOF {
		return nil, []error{fmt.Errorf("%s: it holds more than one document; write all settings in one", f.path)}
	}
	top := doc.Content[0]
	if top.Kind == yaml.ScalarNode && top.Tag == "!!null" {
		return nil, nil
	}
	// section reads what a key holds: the flags of a command, and its commands.
	var section func(n *yaml.Node, name string, c *cobra.Command, flags *pflag.FlagSet)
	section = func(n *yaml.Node, name string, c *cobra.Command, flags *pflag.FlagSet) {
		if n.Kind != yaml.MappingNode {
			if name == "" {
				bad(n, "settings are names of commands and flags, as in\n  hunt:\n    min-severity: high")
			} else {
				bad(n, "%s: name flags under it, as in\n  %s:\n    strict: true", name, name)
			}
			return
		}
		met := map[string]bool{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			if key.Kind != yaml.ScalarNode {
				bad(key, "a key is the name of a command or a flag")
				continue
			}
			if met[key.Value] {
				bad(key, "%s stands here twice", key.Value)
				continue
			}
			met[key.Value] = true
			if sub := commandNamed(c, key.Value); sub != nil {
				section(value, strings.TrimSpace(name+" "+key.Value), sub, sub.LocalNonPersistentFlags())
				continue
			}
			if name == "" && key.Value == logsSection {
				section(value, logsSection, nil, logFlags())
				continue
			}
			flag := flags.Lookup(key.Value)
			if flag == nil || unsettable(flag.Name) {
				bad(key, "%s", unknownSetting(root, c, flags, name, key.Value))
				continue
			}
			s := &setting{section: name, flag: flag.Name, from: f.from, file: f.path, line: key.Line}
			if err := s.take(value); err != nil {
				bad(value, "%s: %v", key.Value, err)
				continue
			}
			if err := s.located(f); err != nil {
				bad(key, "%s: %v", key.Value, err)
				continue
			}
			all = append(all, s)
		}
	}
	section(top, "", root, root.PersistentFlags())
	return all, errs
}

// unsettable are flags that are about one run alone.
func unsettable(flag string) bool { return flag == "help" || flag == "version" || flag == "config" }

// commandNamed is a command's command of a name; nil for none.
func commandNamed(c *cobra.Command, name string) *cobra.Command {
	if c == nil {
		return nil
	}
	for _, sub := range c.Commands() {
		if sub.Name() == name && !sub.Hidden && sub.Name() != "help" && sub.Name() != "completion" {
			return sub
		}
	}
	return nil
}

// logFlags are the flags of every command that reads logs.
func logFlags() *pflag.FlagSet {
	c := &cobra.Command{}
	(&inputs{}).flags(c)
	return c.Flags()
}

// unknownSetting says that a key is no flag, and what was probably meant.
func unknownSetting(root, c *cobra.Command, flags *pflag.FlagSet, section, key string) string {
	var names []string
	flags.VisitAll(func(f *pflag.Flag) {
		if !unsettable(f.Name) {
			names = append(names, f.Name)
		}
	})
	if c != nil {
		for _, sub := range c.Commands() {
			if commandNamed(c, sub.Name()) != nil {
				names = append(names, sub.Name())
			}
		}
	}
	what := "no command of gyoji and no flag of all of them"
	switch {
	case section == logsSection:
		what = "no flag of all commands that read logs"
	case section != "":
		what = "no flag of gyoji " + section
	}
	text := fmt.Sprintf("%s: there is %s", key, what)
	if near := diag.Nearest(key, names); near != "" {
		return text + fmt.Sprintf("; did you mean %s?", near)
	}
	if section != "" {
		if root.PersistentFlags().Lookup(key) != nil {
			return text + "; it is of all commands, so write it at the left margin"
		}
		return text + fmt.Sprintf("; gyoji %s --help lists them", strings.TrimPrefix(section, logsSection))
	}
	var in []string
	if logFlags().Lookup(key) != nil {
		in = append(in, logsSection)
	}
	for _, sub := range root.Commands() {
		if sub.LocalNonPersistentFlags().Lookup(key) != nil && commandNamed(root, sub.Name()) != nil {
			in = append(in, sub.Name())
		}
	}
	if len(in) > 0 {
		return text + fmt.Sprintf("; write it under %s:", in[0])
	}
	return text + "; gyoji --help lists the commands"
}

// take takes the value of a flag from the file.
func (s *setting) take(n *yaml.Node) error {
	one := func(n *yaml.Node) error {
		switch {
		case n.Kind != yaml.ScalarNode:
			return errors.New("a value is a word, a number, true or false, or a list of such; no map and no alias")
		case n.Tag == "!!null":
			return errors.New("there is no value; write one, or leave the line out")
		}
		s.values = append(s.values, n.Value)
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		return one(n)
	}
	s.list = true
	for _, v := range n.Content {
		if err := one(v); err != nil {
			return err
		}
	}
	return nil
}

// located makes the paths of a setting those of the file's folder, and refuses what a
// folder's file may not set.
func (s *setting) located(f *settingsFile) error {
	kind := flagPaths[s.flag]
	if f.from == fromFolder {
		if !slices.Contains(folderFlags, s.flag) {
			return fmt.Errorf("the file of a folder may not set it, since it may be of whoever sent you the folder; give --%s on the command line, or set it in %s", s.flag, ownSettings())
		}
		for _, v := range s.values {
			if err := withinFolder(pathOf(v, kind), kind); err != nil {
				return err
			}
		}
		return nil
	}
	dir := filepath.Dir(f.path)
	for i, v := range s.values {
		path := pathOf(v, kind)
		if path == "" || path == "-" {
			continue
		}
		at := path
		if rest, ok := strings.CutPrefix(path, "~/"); ok {
			at = filepath.Join(xdg.Home, rest)
		} else if !filepath.IsAbs(path) {
			at = filepath.Join(dir, path)
		}
		if kind == nameOrPath {
			if _, err := os.Stat(at); err != nil {
				continue
			}
		}
		s.values[i] = v[:len(v)-len(path)] + at
	}
	return nil
}

// pathOf is the path in a flag's value; "" for none.
func pathOf(value string, kind pathIn) string {
	switch kind {
	case noPath:
		return ""
	case afterEqual:
		return value[strings.LastIndexByte(value, '=')+1:]
	case maybeNamed:
		if _, path, ok := strings.Cut(value, "="); ok {
			return path
		}
	}
	return value
}

// withinFolder reports why the file of a folder may not name a path: it leads out of the
// folder, itself or by a link. On Windows, to open \\HOST\x is to log in there.
func withinFolder(path string, kind pathIn) error {
	if path == "" || kind == nameOrPath && (path == sigmaStore || strings.HasPrefix(path, sigmaStore+":")) {
		return nil
	}
	if !filepath.IsLocal(path) || strings.Contains(path, `\\`) {
		return fmt.Errorf("%s leads out of the folder, and its file may name only what is in it; give the flag on the command line", path)
	}
	root, err := os.OpenRoot(".")
	if err != nil {
		return err
	}
	defer root.Close()
	if _, err := root.Stat(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is reached by a link out of the folder, or not at all (%w); its file may name only what is in the folder", path, err)
	}
	return nil
}

// chosen are the settings that count for a command, one for each flag, and those that
// they win over. Of one question the strongest file answers, and in it the command's own
// section before that of logs and that of all commands.
func chosen(cmd *cobra.Command, all []*setting) (win []*setting, over map[*setting][]*setting) {
	path := strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
	readsLogs := cmd.Annotations[logsSection] != ""
	rank := func(s *setting) int {
		r := map[string]int{fromUser: 0, fromFolder: 10, fromNamed: 20}[s.from]
		switch s.section {
		case path:
			return r + 2
		case logsSection:
			return r + 1
		}
		return r
	}
	over = map[*setting][]*setting{}
	best := map[string]int{} // by question
	for _, s := range all {
		if s.section != "" && s.section != path && (s.section != logsSection || !readsLogs) {
			continue
		}
		if q := questionOf(s.flag); rank(s) >= best[q] {
			best[q] = rank(s)
		}
	}
	var lost []*setting
	for _, s := range all {
		switch {
		case s.section != "" && s.section != path && (s.section != logsSection || !readsLogs):
		case rank(s) == best[questionOf(s.flag)]:
			win = append(win, s)
		default:
			lost = append(lost, s)
		}
	}
	for _, s := range win {
		for _, l := range lost {
			if questionOf(l.flag) == questionOf(s.flag) {
				over[s] = append(over[s], l)
			}
		}
	}
	return win, over
}

// given reports whether the command line answers what a setting would.
func given(cmd *cobra.Command, s *setting) bool {
	for _, g := range together {
		if slices.Contains(g, s.flag) && slices.ContainsFunc(g, cmd.Flags().Changed) {
			return true
		}
	}
	if s.flag == "format" && cmd.Flags().Changed("output") { // -o report.html asks for HTML
		if c, ok := cmd.Flags().Lookup("format").Value.(*formatChoice); ok && formOf(cmd.Flags().Lookup("output").Value.String(), c.of) != "" {
			return true
		}
	}
	return cmd.Flags().Changed(s.flag)
}

// apply sets a command's flags as the files say, those given on the command line
// excepted. used are the settings that count.
func apply(cmd *cobra.Command, all []*setting) (used []*setting, errs []error) {
	win, _ := chosen(cmd, all)
	win = slices.DeleteFunc(win, func(s *setting) bool { return given(cmd, s) })
	for _, s := range win {
		flag := cmd.Flags().Lookup(s.flag)
		if _, many := flag.Value.(pflag.SliceValue); s.list && !many {
			errs = append(errs, fmt.Errorf("%s: --%s takes one value, and this is a list", s.place(), s.flag))
			continue
		}
		for _, v := range s.values {
			if err := cmd.Flags().Set(s.flag, v); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", s.place(), flagError(cmd, err)))
				break
			}
		}
		used = append(used, s)
	}
	return used, errs
}

// configure gives a command the defaults that files hold, and says which of a folder's
// file it took.
func (a *app) configure(cmd *cobra.Command) error {
	switch cmd.Name() {
	case "version", "help", "man", "config":
		return nil
	}
	if cmd.Parent() != nil && cmd.Parent().Name() == "completion" || strings.HasPrefix(cmd.Name(), "__") || !cmd.HasParent() {
		return nil
	}
	_, all, errs := a.settings(cmd.Root())
	if len(errs) == 0 && len(all) > 0 {
		var used []*setting
		if used, errs = apply(cmd, all); len(errs) == 0 {
			a.sayUsed(used)
		}
	}
	if len(errs) > 0 {
		return &exit{exitUsage, fmt.Errorf("%w\ngyoji config shows all settings; --config none runs without them", errors.Join(errs...))}
	}
	return nil
}

// sayUsed names the settings that a folder's file made, with -v also the others. Even -Q
// does not silence it: a folder that comes with logs could hide findings.
func (a *app) sayUsed(used []*setting) {
	for _, from := range []string{fromUser, fromNamed, fromFolder} {
		var list []string
		file := ""
		for _, s := range used {
			if s.from == from {
				file = s.file
				list = append(list, strings.TrimSpace("--"+s.flag+" "+strings.Join(s.values, ", ")))
			}
		}
		if list != nil && (from == fromFolder || a.verbose) {
			fmt.Fprintf(a.stderr, "gyoji: %s sets %s (--config none runs without it)\n", file, strings.Join(list, ", "))
		}
	}
}
