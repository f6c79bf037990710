package sec

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/store"
)

// Documents are the content of a tenant: documents of kinds, each with a revision, an
// author and a history.
type Documents struct{ db *sql.DB }

// schema is of SQLite. A number is never given twice, so that an id of a deleted document
// does not come to mean another.
const schema = `
CREATE TABLE sec_document (
	number INTEGER PRIMARY KEY AUTOINCREMENT,
	kind TEXT NOT NULL, id TEXT, parent TEXT NOT NULL DEFAULT '', name TEXT NOT NULL DEFAULT '',
	revision INTEGER NOT NULL, body TEXT NOT NULL,
	created INTEGER NOT NULL, created_by TEXT NOT NULL, updated INTEGER NOT NULL, updated_by TEXT NOT NULL
);
CREATE UNIQUE INDEX sec_document_id ON sec_document (kind, id);
CREATE INDEX sec_document_parent ON sec_document (kind, parent, number);
CREATE TABLE sec_history (
	kind TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL, action TEXT NOT NULL,
	body TEXT NOT NULL, at INTEGER NOT NULL, by TEXT NOT NULL
);
CREATE INDEX sec_history_id ON sec_history (kind, id, revision);
`

// Migration is what the package keeps in a store's database.
var Migration = store.Migration{Package: "sec", Steps: []string{schema}}

// Of gives the documents of a database that has the Migration's tables.
func Of(db *sql.DB) *Documents { return &Documents{db} }

// A Document is one of them. Body is what a client wrote, its id aside.
type Document struct {
	Number           int64 // unique among all kinds, and grows
	Kind, ID, Parent string
	Name             string
	Revision         int64 // from 1
	Body             map[string]any
	Created, Updated time.Time
	CreatedBy        string
	UpdatedBy        string
}

var (
	// ErrNone is that there is no such document.
	ErrNone = errors.New("there is no such document")
	// ErrRevision is that a document has another revision than the one to be replaced.
	ErrRevision = errors.New("the document has another revision")
)

const columns = `number, kind, id, parent, name, revision, body, created, created_by, updated, updated_by`

func scan(row interface{ Scan(...any) error }) (*Document, error) {
	d := &Document{}
	var text string
	var created, updated int64
	err := row.Scan(&d.Number, &d.Kind, &d.ID, &d.Parent, &d.Name, &d.Revision, &text, &created, &d.CreatedBy, &updated, &d.UpdatedBy)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, err
	}
	d.Created, d.Updated = time.UnixMilli(created).UTC(), time.UnixMilli(updated).UTC()
	return d, number([]byte(text), &d.Body)
}

// Create adds a document and gives it the id that id makes of its number.
func (s *Documents) Create(ctx context.Context, d *Document, id func(number int64) string) error {
	return s.CreateAll(ctx, []*Document{d}, id)
}

// CreateAll adds all of some documents, or none.
func (s *Documents) CreateAll(ctx context.Context, docs []*Document, id func(number int64) string) error {
	return s.change(ctx, func(tx *sql.Tx) error {
		for _, d := range docs {
			d.Revision, d.Updated, d.UpdatedBy = 1, d.Created, d.CreatedBy
			text, err := json.Marshal(d.Body)
			if err != nil {
				return err
			}
			at := d.Created.UnixMilli()
			r, err := tx.ExecContext(ctx, `INSERT INTO sec_document (kind, parent, name, revision, body, created, created_by, updated, updated_by) VALUES (?,?,?,?,?,?,?,?,?)`,
				d.Kind, d.Parent, d.Name, 1, string(text), at, d.CreatedBy, at, d.CreatedBy)
			if err != nil {
				return err
			}
			if d.Number, err = r.LastInsertId(); err != nil {
				return err
			}
			d.ID = id(d.Number)
			if _, err := tx.ExecContext(ctx, `UPDATE sec_document SET id = ? WHERE number = ?`, d.ID, d.Number); err != nil {
				return err
			}
			if err := remember(ctx, tx, d, "created", string(text)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Get is a document.
func (s *Documents) Get(ctx context.Context, kind, id string) (*Document, error) {
	return scan(s.db.QueryRowContext(ctx, `SELECT `+columns+` FROM sec_document WHERE kind = ? AND id = ?`, kind, id))
}

// Replace gives a document another body and name, if it still has d.Revision, which grows
// by one.
func (s *Documents) Replace(ctx context.Context, d *Document, at time.Time, by string) error {
	return s.change(ctx, func(tx *sql.Tx) error {
		text, err := json.Marshal(d.Body)
		if err != nil {
			return err
		}
		r, err := tx.ExecContext(ctx, `UPDATE sec_document SET body = ?, name = ?, revision = revision + 1, updated = ?, updated_by = ? WHERE kind = ? AND id = ? AND revision = ?`,
			string(text), d.Name, at.UnixMilli(), by, d.Kind, d.ID, d.Revision)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(ErrRevision, err)
		}
		d.Revision++
		d.Updated, d.UpdatedBy = at, by
		return remember(ctx, tx, d, "changed", string(text))
	})
}

// Delete takes a document away, and those whose parent it is.
func (s *Documents) Delete(ctx context.Context, d *Document, children string, at time.Time, by string) error {
	return s.change(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `DELETE FROM sec_document WHERE kind = ? AND id = ?`, d.Kind, d.ID)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(ErrNone, err)
		}
		if children != "" {
			if _, err := tx.ExecContext(ctx, `DELETE FROM sec_document WHERE kind = ? AND parent = ?`, children, d.ID); err != nil {
				return err
			}
		}
		text, err := json.Marshal(d.Body)
		if err != nil {
			return err
		}
		d.Revision++
		d.Updated, d.UpdatedBy = at, by
		return remember(ctx, tx, d, "deleted", string(text))
	})
}

func remember(ctx context.Context, tx *sql.Tx, d *Document, action, text string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO sec_history (kind, id, revision, action, body, at, by) VALUES (?,?,?,?,?,?,?)`,
		d.Kind, d.ID, d.Revision, action, text, d.Updated.UnixMilli(), d.UpdatedBy)
	return err
}

func (s *Documents) change(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// A Selection is some documents of one kind, the oldest first.
type Selection struct {
	Kinds         []string
	Parents       []string // of one of these; nil for all
	Name          string   // exactly this, letter case aside; "" for all
	After         int64    // by Number
	Offset, Limit int      // Limit 0 for all
}

func (q *Selection) where() (text string, args []any) {
	in := func(column string, values []string) {
		if len(values) == 0 {
			text += " AND 0"
			return
		}
		text += " AND " + column + " IN (?" + strings.Repeat(",?", len(values)-1) + ")"
		for _, v := range values {
			args = append(args, v)
		}
	}
	in("kind", q.Kinds)
	if q.Parents != nil {
		in("parent", q.Parents)
	}
	if q.Name != "" {
		text, args = text+" AND lower(name) = lower(?)", append(args, q.Name)
	}
	if q.After > 0 {
		text, args = text+" AND number > ?", append(args, q.After)
	}
	return " WHERE " + strings.TrimPrefix(text, " AND "), args
}

// Select gives the documents of a selection, and how many there are without Offset, Limit
// and After.
func (s *Documents) Select(ctx context.Context, q Selection) (all []*Document, total int, err error) {
	whole := q
	whole.After = 0
	where, args := whole.where()
	if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM sec_document`+where, args...).Scan(&total); err != nil {
		return nil, 0, err
	}
	where, args = q.where()
	text := `SELECT ` + columns + ` FROM sec_document` + where + ` ORDER BY number`
	if q.Limit > 0 {
		text, args = text+` LIMIT ? OFFSET ?`, append(args, q.Limit, q.Offset)
	}
	rows, err := s.db.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		d, err := scan(rows)
		if err != nil {
			return nil, 0, err
		}
		all = append(all, d)
	}
	return all, total, rows.Err()
}

// Revision grows with every change of any document.
func (s *Documents) Revision(ctx context.Context) (n int64, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT coalesce(max(rowid), 0) FROM sec_history`).Scan(&n)
	return n, err
}
