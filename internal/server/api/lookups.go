package api

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/engine/lookup"
	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

const (
	tableBytesMost = 100 << 20 // of a lookup table (http-api.md 9)
	rowBytesMost   = 200 << 10
	keyCharsMost   = 1024 // of all key values of a row
	expireEvery    = 30 * time.Second
)

// lookupTable is what a client says of a lookup table.
type lookupTable struct {
	ID          string        `json:"id"`
	Name        string        `json:"name"`
	Description string        `json:"description"`
	Fields      []lookupField `json:"fields"`
	Keys        []string      `json:"primaryKeys"`
	TTL         int64         `json:"ttl"` // minutes; 0 keeps rows for good
	AtLimit     string        `json:"sizeLimitAction"`
	Parent      string        `json:"parentFolderId"`
	Path        string        `json:"contentPath"`
	Size        int64         `json:"size"`
	CreatedAt   string        `json:"createdAt"`
	CreatedBy   string        `json:"createdBy"`
	ModifiedAt  string        `json:"modifiedAt"`
	ModifiedBy  string        `json:"modifiedBy"`
}

type lookupField struct {
	Name string `json:"fieldName"`
	Type string `json:"fieldType"` // boolean, int, long, double, string
}

// What becomes of a table at its limit of size.
const (
	stopIncoming = "StopIncomingMessages"
	deleteOld    = "DeleteOldData"
)

// tableRow is a row and when it was put in, in ms.
type tableRow struct {
	At   int64         `json:"at"`
	Vals []event.Value `json:"-"`
	Text []*string     `json:"row"`
}

// table is a lookup table in memory.
type table struct {
	mu    sync.Mutex // of a change as a whole, with its file
	about lookupTable
	rows  []tableRow
	index map[string]int // by key
	bytes int64
	shown *lookup.Table // as queries see it
}

// tables are the lookup tables of the server. Queries find them in library.
type tables struct {
	keep    *keep
	dir     string
	now     func() time.Time
	library *lookup.Library

	mu    sync.Mutex
	all   map[string]*table // by id
	tasks map[string]task
}

// task is a change of a table that a client may ask about.
type task struct {
	ID       string   `json:"jobId"`
	Status   string   `json:"status"`
	Messages []string `json:"statusMessages"`
	Errors   []any    `json:"errors"`
	Warnings []any    `json:"warnings"`
	Table    string   `json:"lookupContentId"`
	Name     string   `json:"lookupName"`
	Path     string   `json:"lookupContentPath"`
	Request  string   `json:"requestType"`
	User     string   `json:"userId"`
	Created  string   `json:"createdAt"`
	Modified string   `json:"modifiedAt"`
}

// tasksMost is how many of them are remembered.
const tasksMost = 1000

const tableKind = "lookupTables"

func openTables(k *keep, dir string, now func() time.Time) (*tables, error) {
	t := &tables{keep: k, dir: dir, now: now, library: &lookup.Library{}, all: map[string]*table{}, tasks: map[string]task{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for _, d := range k.list(tableKind) {
		x := &table{}
		if err := json.Unmarshal(d.Body, &x.about); err != nil {
			return nil, fmt.Errorf("lookup table %s: %w", d.ID, err)
		}
		if err := x.load(t.file(d.ID)); err != nil {
			return nil, err
		}
		t.all[d.ID] = x
		t.show(x)
	}
	return t, nil
}

func (t *tables) file(id string) string { return filepath.Join(t.dir, id+".jsonl") }

// load reads the rows of a table.
func (x *table) load(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return x.reindex()
	}
	if err != nil {
		return err
	}
	defer f.Close()
	for d := json.NewDecoder(f); ; {
		var r tableRow
		if err := d.Decode(&r); errors.Is(err, io.EOF) {
			return x.reindex()
		} else if err != nil {
			return fmt.Errorf("%s is damaged at row %d: %w; put a copy in its place, or move it away to begin with an empty table", path, len(x.rows)+1, err)
		}
		for i := range x.about.Fields {
			var text *string
			if i < len(r.Text) {
				text = r.Text[i]
			}
			v, err := x.value(i, text)
			if err != nil {
				return fmt.Errorf("%s: row %d: %w", path, len(x.rows)+1, err)
			}
			r.Vals = append(r.Vals, v)
		}
		r.Text = nil
		x.rows = append(x.rows, r)
	}
}

// save writes the rows of a table.
func (x *table) save(path string) error {
	var b strings.Builder
	for _, r := range x.rows {
		r.Text = make([]*string, len(r.Vals))
		for i, v := range r.Vals {
			if !v.IsNull() {
				text := v.String()
				r.Text[i] = &text
			}
		}
		line, err := json.Marshal(r)
		if err != nil {
			return err
		}
		b.Write(line)
		b.WriteByte('\n')
	}
	return replace(path, []byte(b.String()))
}

// value is the text of a cell as the type of its column.
func (x *table) value(column int, text *string) (event.Value, error) {
	if text == nil {
		return event.Value{}, nil
	}
	f := x.about.Fields[column]
	s := strings.TrimSpace(*text)
	if s == "" && f.Type != "string" {
		return event.Value{}, nil
	}
	wrong := fmt.Errorf("%q is no %s, which the field %s is", *text, f.Type, f.Name)
	switch f.Type {
	case "boolean":
		b, err := strconv.ParseBool(strings.ToLower(s))
		if err != nil {
			return event.Value{}, wrong
		}
		return event.Bool(b), nil
	case "int", "long":
		bits := 64
		if f.Type == "int" {
			bits = 32
		}
		n, err := strconv.ParseInt(s, 10, bits)
		if err != nil {
			return event.Value{}, wrong
		}
		return event.Int(n), nil
	case "double":
		n, ok := event.ParseNumber(s)
		if !ok {
			return event.Value{}, wrong
		}
		return event.Float(n), nil
	}
	return event.Text(strings.ToValidUTF8(*text, "\uFFFD")), nil
}

// key is what tells rows apart: the values of the primary keys, letter case aside.
func (x *table) key(vals []event.Value) string {
	var b strings.Builder
	for _, k := range x.about.Keys {
		v := vals[x.column(k)]
		b.WriteString(strconv.Itoa(len(v.Str())))
		b.WriteByte(':')
		b.WriteString(strings.ToLower(v.Str()))
	}
	return b.String()
}

func (x *table) column(name string) int {
	return slices.IndexFunc(x.about.Fields, func(f lookupField) bool { return strings.EqualFold(f.Name, name) })
}

func rowBytes(vals []event.Value) (n int64) {
	for _, v := range vals {
		n += int64(len(v.Str())) + 8
	}
	return n
}

func (x *table) reindex() error {
	x.index, x.bytes = make(map[string]int, len(x.rows)), 0
	for i, r := range x.rows {
		x.index[x.key(r.Vals)] = i
		x.bytes += rowBytes(r.Vals)
	}
	return nil
}

// checkRow says what of a row cannot be.
func (x *table) checkRow(vals []event.Value) error {
	chars := 0
	for _, k := range x.about.Keys {
		v := vals[x.column(k)]
		if v.IsNull() || v.Str() == "" {
			return fmt.Errorf("the key %s has no value", k)
		}
		chars += utf8.RuneCountInString(v.Str())
	}
	if chars > keyCharsMost {
		return fmt.Errorf("the key has %d characters, and %d is the most", chars, keyCharsMost)
	}
	if rowBytes(vals) > rowBytesMost {
		return fmt.Errorf("the row is larger than %d KB", rowBytesMost>>10)
	}
	return nil
}

// set puts a row in, in the place of one of an equal key.
func (x *table) set(vals []event.Value, now int64) error {
	key, size := x.key(vals), rowBytes(vals)
	old, there := x.index[key]
	if there {
		size -= rowBytes(x.rows[old].Vals)
	}
	if x.bytes+size > tableBytesMost {
		if x.about.AtLimit != deleteOld {
			return fmt.Errorf("the table would be larger than %d MB", tableBytesMost>>20)
		}
		x.dropOld(x.bytes + size - tableBytesMost)
		old, there = x.index[key]
	}
	if x.bytes += size; there {
		x.rows[old] = tableRow{At: now, Vals: vals}
		return nil
	}
	x.index[key] = len(x.rows)
	x.rows = append(x.rows, tableRow{At: now, Vals: vals})
	return nil
}

// dropOld takes the oldest rows away until so many bytes are free.
func (x *table) dropOld(bytes int64) {
	order := make([]int, len(x.rows))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(x.rows[a].At - x.rows[b].At) })
	gone := map[int]bool{}
	for _, i := range order {
		if bytes <= 0 {
			break
		}
		bytes -= rowBytes(x.rows[i].Vals)
		gone[i] = true
	}
	x.remove(func(i int) bool { return gone[i] })
}

// remove takes rows away.
func (x *table) remove(is func(i int) bool) (n int) {
	var left []tableRow
	for i, r := range x.rows {
		if is(i) {
			n++
		} else {
			left = append(left, r)
		}
	}
	x.rows = left
	_ = x.reindex()
	return n
}

// old takes rows away whose time is over.
func (x *table) old(now time.Time) int {
	if x.about.TTL <= 0 {
		return 0
	}
	limit := now.Add(-time.Duration(x.about.TTL) * time.Minute).UnixMilli()
	if !slices.ContainsFunc(x.rows, func(r tableRow) bool { return r.At <= limit }) {
		return 0
	}
	return x.remove(func(i int) bool { return x.rows[i].At <= limit })
}

// show has queries see the table as it is.
func (t *tables) show(x *table) {
	l := &lookup.Table{Path: x.about.Path, Key: slices.Clone(x.about.Keys)}
	for _, f := range x.about.Fields {
		l.Columns = append(l.Columns, f.Name)
	}
	for _, r := range x.rows {
		l.Rows = append(l.Rows, r.Vals)
	}
	x.shown = l
	t.library.Add(l)
}

// changed changes a table's rows: in memory, in its file, and for queries. What do
// changes is undone if the file cannot be written.
func (t *tables) changed(x *table, do func() error) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	t.takeSaved(x)
	before, bytes := slices.Clone(x.rows), x.bytes
	x.old(t.now())
	err := do()
	if err == nil {
		err = x.save(t.file(x.about.ID))
	}
	if err != nil {
		x.rows, x.bytes = before, bytes
		_ = x.reindex()
		return err
	}
	t.show(x)
	return nil
}

// takeSaved takes over what a query has saved to the table.
func (t *tables) takeSaved(x *table) {
	now, err := t.library.Table(x.about.Path)
	if err != nil || now == nil || now == x.shown {
		return
	}
	at := t.now().UnixMilli()
	x.rows = x.rows[:0:0]
	for _, r := range now.Rows {
		vals := make([]event.Value, len(x.about.Fields))
		for i, f := range x.about.Fields {
			if c := now.Column(f.Name); c >= 0 && c < len(r) {
				vals[i] = r[c]
			}
		}
		x.rows = append(x.rows, tableRow{At: at, Vals: vals})
	}
	_ = x.reindex()
}

// saved writes down what queries have saved to tables.
func (t *tables) saved() error {
	var errs []error
	for _, x := range t.list() {
		if now, err := t.library.Table(x.about.Path); err == nil && now != x.shown {
			errs = append(errs, t.changed(x, func() error { return nil }))
		}
	}
	return errors.Join(errs...)
}

func (t *tables) list() (out []*table) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, d := range t.keep.list(tableKind) {
		if x := t.all[d.ID]; x != nil {
			out = append(out, x)
		}
	}
	return out
}

// expire takes rows away whose time is over, until ctx ends.
func (t *tables) expire(ctx context.Context) {
	tick := time.NewTicker(expireEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, x := range t.list() {
			x.mu.Lock()
			if x.old(t.now()) > 0 {
				_ = x.save(t.file(x.about.ID)) // what is left of them in the file goes with the next change
				t.show(x)
			}
			x.mu.Unlock()
		}
	}
}

func (t *tables) get(id string) (*table, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if x := t.all[strings.ToUpper(id)]; x != nil {
		return x, nil
	}
	return nil, refuse(http.StatusNotFound, access.CodeNotFound, "There is no lookup table %s.", id)
}

// reserved reports whether a name is one of metadata.
func reserved(name string) bool {
	return slices.ContainsFunc(builtIn, func(b string) bool { return strings.EqualFold(b, name) }) ||
		slices.Contains([]string{"_view", "_index", "_messagetime", "_timeslice"}, strings.ToLower(name))
}

// check completes what is said of a new table, or says what is wrong.
func (l *lookupTable) check() error {
	bad := func(message string, args ...any) error {
		return refuse(http.StatusBadRequest, "lookup.invalid", message, args...)
	}
	if l.Name = strings.TrimSpace(l.Name); l.Name == "" || strings.ContainsAny(l.Name, "/\"") || len(l.Name) > 255 {
		return bad("The field name is missing, or has a slash or quote in it, or is longer than 255 bytes.")
	}
	if len(l.Fields) == 0 {
		return bad("The table has no fields.")
	}
	seen := map[string]bool{}
	for i, f := range l.Fields {
		name := strings.TrimSpace(f.Name)
		switch {
		case name == "":
			return bad("Field %d has no fieldName.", i+1)
		case reserved(name):
			return bad("The fieldName %s is one of metadata, which a table may not have.", name)
		case seen[strings.ToLower(name)]:
			return bad("Two fields are named %s.", name)
		case !slices.Contains([]string{"boolean", "int", "long", "double", "string"}, f.Type):
			return bad("The fieldType of %s is %q; it is boolean, int, long, double or string.", name, f.Type)
		}
		seen[strings.ToLower(name)] = true
		l.Fields[i].Name = name
	}
	if len(l.Keys) == 0 {
		return bad("The table has no primaryKeys.")
	}
	for _, k := range l.Keys {
		if !seen[strings.ToLower(k)] {
			return bad("The primary key %s is no field of the table.", k)
		}
	}
	return l.checkRest()
}

// checkRest checks what may be changed later, too.
func (l *lookupTable) checkRest() error {
	if l.TTL < 0 || l.TTL > 525_600 {
		return refuse(http.StatusBadRequest, "lookup.invalid", "The ttl is %d minutes; it is 0 to 525600, a year.", l.TTL)
	}
	if l.AtLimit == "" {
		l.AtLimit = stopIncoming
	}
	if l.AtLimit != stopIncoming && l.AtLimit != deleteOld {
		return refuse(http.StatusBadRequest, "lookup.invalid", "The sizeLimitAction is %q; it is %s or %s.", l.AtLimit, stopIncoming, deleteOld)
	}
	return nil
}

// told is a table as the API tells it.
func (x *table) told() lookupTable {
	x.mu.Lock()
	defer x.mu.Unlock()
	l := x.about
	l.Size = x.bytes
	return l
}

// keepTable writes down what is said of a table.
func (t *tables) keepTable(l lookupTable) error {
	_, err := t.keep.change(tableKind, l.ID, func(document) (json.RawMessage, error) { return json.Marshal(l) })
	return err
}

func (a *API) createTable(r *http.Request) (any, error) {
	var l lookupTable
	if err := body(r, &l); err != nil {
		return nil, err
	}
	if err := l.check(); err != nil {
		return nil, err
	}
	parent, err := a.folderPath(l.Parent)
	if err != nil {
		return nil, err
	}
	who := access.From(r.Context()).String()
	l.ID, l.Path, l.Size = newContentID(), parent+"/"+l.Name, 0
	if l.Parent == "" {
		l.Parent = personalID
	}
	l.CreatedAt, l.CreatedBy, l.ModifiedAt, l.ModifiedBy = a.stamp(), who, a.stamp(), who
	t := a.tables
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, x := range t.all {
		if strings.EqualFold(x.about.Path, l.Path) {
			return nil, refuse(http.StatusBadRequest, "name.duplicate", "There is a lookup table %s already.", l.Path)
		}
	}
	if err := t.keepTable(l); err != nil {
		return nil, err
	}
	x := &table{about: l}
	_ = x.reindex()
	t.all[l.ID] = x
	t.show(x)
	return l, nil
}

func (a *API) changeTable(r *http.Request) (any, error) {
	x, err := a.tables.get(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	var sent struct {
		TTL         *int64  `json:"ttl"`
		Description *string `json:"description"`
		AtLimit     *string `json:"sizeLimitAction"`
	}
	if err := body(r, &sent); err != nil {
		return nil, err
	}
	err = a.tables.changed(x, func() error {
		l := x.about
		if sent.TTL != nil {
			l.TTL = *sent.TTL
		}
		if sent.Description != nil {
			l.Description = *sent.Description
		}
		if sent.AtLimit != nil {
			l.AtLimit = *sent.AtLimit
		}
		if err := l.checkRest(); err != nil {
			return err
		}
		l.ModifiedAt, l.ModifiedBy = a.stamp(), access.From(r.Context()).String()
		if err := a.tables.keepTable(l); err != nil {
			return err
		}
		x.about = l
		return nil
	})
	if err != nil {
		return nil, err
	}
	return x.told(), nil
}

func (a *API) dropTable(r *http.Request) (any, error) {
	return nil, a.removeTable(r, r.PathValue("id"))
}

func (a *API) removeTable(r *http.Request, id string) error {
	x, err := a.tables.get(id)
	if err != nil {
		return err
	}
	t := a.tables
	t.mu.Lock()
	defer t.mu.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, err := t.keep.change(tableKind, x.about.ID, func(document) (json.RawMessage, error) { return nil, nil }); err != nil {
		return err
	}
	delete(t.all, x.about.ID)
	t.library.Remove(x.about.Path)
	if err := os.Remove(t.file(x.about.ID)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// cellSent is a cell of a row that a client sends.
type cellSent struct {
	Name  string     `json:"columnName"`
	Value *cellValue `json:"columnValue"`
}

// cellValue is a text, or a number or boolean as its text.
type cellValue string

func (c *cellValue) UnmarshalJSON(b []byte) error {
	if b[0] != '"' {
		if b[0] == '{' || b[0] == '[' {
			return errors.New("a columnValue is a text, a number or a boolean")
		}
		*c = cellValue(b)
		return nil
	}
	return json.Unmarshal(b, (*string)(c))
}

// cells puts what was sent into columns.
func (x *table) cells(sent []cellSent) ([]event.Value, error) {
	vals := make([]event.Value, len(x.about.Fields))
	seen := map[int]bool{}
	for _, c := range sent {
		i := x.column(c.Name)
		if i < 0 {
			return nil, fmt.Errorf("the table has no field %q", c.Name)
		}
		if seen[i] {
			return nil, fmt.Errorf("the field %s is there twice", c.Name)
		}
		seen[i] = true
		v, err := x.value(i, (*string)(c.Value))
		if err != nil {
			return nil, err
		}
		vals[i] = v
	}
	return vals, nil
}

// rowRefused is the refusal of a row.
func rowRefused(err error) error {
	var f *failure
	var file *os.PathError
	if err == nil || errors.As(err, &f) || errors.As(err, &file) {
		return err
	}
	return refuse(http.StatusBadRequest, "lookup.row.invalid", "%s", capital(err.Error())+".")
}

func (a *API) putRow(r *http.Request) (any, error) {
	x, err := a.tables.get(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	var sent struct {
		Row []cellSent `json:"row"`
	}
	if err := body(r, &sent); err != nil {
		return nil, err
	}
	err = a.tables.changed(x, func() error {
		vals, err := x.cells(sent.Row)
		if err == nil {
			err = x.checkRow(vals)
		}
		if err == nil {
			err = x.set(vals, a.o.Now().UnixMilli())
		}
		return err
	})
	if err != nil {
		return nil, rowRefused(err)
	}
	return nil, nil
}

func (a *API) deleteRow(r *http.Request) (any, error) {
	x, err := a.tables.get(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	var sent struct {
		Key []cellSent `json:"primaryKey"`
	}
	if err := body(r, &sent); err != nil {
		return nil, err
	}
	err = a.tables.changed(x, func() error {
		vals, err := x.cells(sent.Key)
		if err != nil {
			return err
		}
		for _, k := range x.about.Keys {
			if vals[x.column(k)].IsNull() {
				return fmt.Errorf("the primary key %s is missing", k)
			}
		}
		i, ok := x.index[x.key(vals)]
		if !ok {
			return refuse(http.StatusNotFound, access.CodeNotFound, "The table has no row of this key.")
		}
		x.remove(func(j int) bool { return i == j })
		return nil
	})
	if err != nil {
		return nil, rowRefused(err)
	}
	return nil, nil
}

// finished notes a change that a client may ask about, and answers with its id.
func (a *API) finished(r *http.Request, x *table, request string, messages []string, failed error) (any, error) {
	id := newContentID()
	s := task{
		ID: id, Status: "Success", Messages: orEmpty(messages), Errors: []any{}, Warnings: []any{}, Table: x.about.ID, Name: x.about.Name, Path: x.about.Path,
		Request: request, User: access.From(r.Context()).String(), Created: a.stamp(), Modified: a.stamp(),
	}
	if failed != nil {
		s.Status = "Failed"
		s.Errors = append(s.Errors, fields{"code": "lookup.upload.failed", "message": capital(failed.Error()) + "."})
	}
	t := a.tables
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.tasks) >= tasksMost {
		clear(t.tasks)
	}
	t.tasks[id] = s
	return fields{"id": id}, nil
}

func (a *API) truncate(r *http.Request) (any, error) {
	x, err := a.tables.get(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	err = a.tables.changed(x, func() error {
		x.rows = nil
		return x.reindex()
	})
	if err != nil {
		return nil, err
	}
	return a.finished(r, x, "DeleteAllRows", []string{"The table is empty."}, nil)
}

func (a *API) upload(r *http.Request) (any, error) {
	x, err := a.tables.get(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	if e := q.Get("fileEncoding"); e != "" && !strings.EqualFold(e, "UTF-8") && !strings.EqualFold(e, "UTF8") {
		return nil, refuse(http.StatusBadRequest, "lookup.invalid", "The fileEncoding %s is not offered; send UTF-8.", e)
	}
	merge := strings.EqualFold(q.Get("merge"), "true")
	text, err := uploaded(r)
	if err != nil {
		return nil, err
	}
	n := 0
	failed := a.tables.changed(x, func() error {
		if !merge {
			x.rows = nil
			_ = x.reindex()
		}
		n, err = x.read(text, a.o.Now().UnixMilli())
		return err
	})
	var file *os.PathError
	if errors.As(failed, &file) {
		return nil, failed
	}
	request := "BulkReplace"
	if merge {
		request = "BulkMerge"
	}
	var messages []string
	if failed == nil {
		messages = []string{fmt.Sprintf("%d rows were read.", n)}
	}
	return a.finished(r, x, request, messages, failed)
}

// uploaded is the file of a multipart body.
func uploaded(r *http.Request) (string, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return "", refuse(http.StatusUnsupportedMediaType, access.CodeContentType, "The file comes as multipart/form-data, in a part that is named file.")
	}
	for {
		var p *multipart.Part
		if p, err = parts.NextPart(); err != nil {
			break
		}
		if p.FormName() != "file" {
			continue
		}
		text, err := io.ReadAll(io.LimitReader(p, tableBytesMost+1))
		if err != nil {
			return "", refuse(http.StatusBadRequest, codeBad, "The file could not be read: %v.", err)
		}
		if len(text) > tableBytesMost {
			return "", refuse(http.StatusRequestEntityTooLarge, codeBad, "The file is larger than %d MB.", tableBytesMost>>20)
		}
		return string(text), nil
	}
	if !errors.Is(err, io.EOF) {
		return "", refuse(http.StatusBadRequest, codeBad, "The multipart body could not be read: %v.", err)
	}
	return "", refuse(http.StatusBadRequest, codeBad, "The body has no part that is named file.")
}

// read puts the rows of CSV with a header in.
func (x *table) read(text string, now int64) (n int, err error) {
	c := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	c.TrimLeadingSpace = true
	head, err := c.Read()
	if errors.Is(err, io.EOF) {
		return 0, errors.New("the file is empty; its first line names the fields")
	}
	if err != nil {
		return 0, fmt.Errorf("the file is no CSV: %w", err)
	}
	columns := make([]int, len(head))
	for i, name := range head {
		if columns[i] = x.column(strings.TrimSpace(name)); columns[i] < 0 {
			return 0, fmt.Errorf("the file has a field %q that the table has not", name)
		}
		if slices.Contains(columns[:i], columns[i]) {
			return 0, fmt.Errorf("the file has the field %q twice", name)
		}
	}
	for _, k := range x.about.Keys {
		if !slices.Contains(columns, x.column(k)) {
			return 0, fmt.Errorf("the file lacks the primary key %s", k)
		}
	}
	for {
		rec, err := c.Read()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, fmt.Errorf("the file is no CSV: %w", err)
		}
		vals := make([]event.Value, len(x.about.Fields))
		for i, text := range rec {
			if vals[columns[i]], err = x.value(columns[i], &text); err != nil {
				break
			}
		}
		if err == nil {
			err = x.checkRow(vals)
		}
		if err == nil {
			err = x.set(vals, now)
		}
		if err != nil {
			line, _ := c.FieldPos(0)
			return n, fmt.Errorf("line %d: %w", line, err)
		}
		n++
	}
}

func (a *API) tableRoutes() []route {
	const one = "/api/v1/lookupTables/{id}"
	return []route{
		{"POST /api/v1/lookupTables", access.Content, "makes one; queries find it by its contentPath", a.answers(a.createTable)},
		{"GET /api/v1/lookupTables", access.Read, "lists them; the product has no such call, and clients ask for it", a.answers(func(r *http.Request) (any, error) {
			var all []any
			for _, x := range a.tables.list() {
				all = append(all, x.told())
			}
			return listed(r, all)
		})},
		{"GET " + one, access.Read, "gives one", a.answers(func(r *http.Request) (any, error) {
			x, err := a.tables.get(r.PathValue("id"))
			if err != nil {
				return nil, err
			}
			return x.told(), nil
		})},
		{"PUT " + one, access.Content, "changes ttl, description and sizeLimitAction", a.answers(a.changeTable)},
		{"DELETE " + one, access.Content, "takes one away", a.answers(a.dropTable)},
		{"PUT " + one + "/row", access.Content, "puts a row in, or in the place of one of an equal key", a.answers(a.putRow)},
		{"PUT " + one + "/deleteTableRow", access.Content, "takes a row away", a.answers(a.deleteRow)},
		{"POST " + one + "/upload", access.Content, "reads CSV with a header; merge=true adds to what is there", a.answers(a.upload)},
		{"POST " + one + "/truncate", access.Content, "empties it", a.answers(a.truncate)},
		{"GET /api/v1/lookupTables/jobs/{job}/status", access.Read, "tells how an upload or truncate went", a.answers(func(r *http.Request) (any, error) {
			a.tables.mu.Lock()
			defer a.tables.mu.Unlock()
			s, ok := a.tables.tasks[strings.ToUpper(r.PathValue("job"))]
			if !ok {
				return nil, refuse(http.StatusNotFound, access.CodeNotFound, "There is no job %s.", r.PathValue("job"))
			}
			return s, nil
		})},
	}
}
