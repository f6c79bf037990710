package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/server/access"
)

// The library has one personal folder, which all keys share, and what is in it: folders,
// saved searches and lookup tables.
const (
	personalID   = "0000000000000001"
	personalPath = "/Library/Users/gyoji"
	globalID     = "0000000000000002"

	folderKind = "folders"
	searchKind = "savedSearches"
)

// item is something in the library.
type item struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Type        string   `json:"itemType"`
	Parent      string   `json:"parentId"`
	Permissions []string `json:"permissions"`
	CreatedAt   string   `json:"createdAt"`
	CreatedBy   string   `json:"createdBy"`
	ModifiedAt  string   `json:"modifiedAt"`
	ModifiedBy  string   `json:"modifiedBy"`
}

var ownPermissions = []string{"View", "Edit", "Manage"}

// The types of items, as the product names them.
const (
	itemFolder = "Folder"
	itemSearch = "Search"
	itemLookup = "Lookups"
)

// libraryTop are the folders that are always there.
func (a *API) libraryTop() []item {
	return []item{
		{ID: personalID, Name: "Personal", Description: "What the keys of this server share.", Type: itemFolder, Parent: "0000000000000000", Permissions: ownPermissions, CreatedBy: "gyoji", ModifiedBy: "gyoji", CreatedAt: "2026-01-01T00:00:00.000Z", ModifiedAt: "2026-01-01T00:00:00.000Z"},
		{ID: globalID, Name: "Global", Type: itemFolder, Parent: "0000000000000000", Permissions: []string{"View"}, CreatedBy: "gyoji", ModifiedBy: "gyoji", CreatedAt: "2026-01-01T00:00:00.000Z", ModifiedAt: "2026-01-01T00:00:00.000Z"},
	}
}

// items are all things of the library.
func (a *API) items() []item {
	out := a.libraryTop()
	for kind, what := range map[string]string{folderKind: itemFolder, searchKind: itemSearch} {
		for _, d := range a.keep.list(kind) {
			f := d.fields()
			out = append(out, item{
				ID: d.ID, Name: f.text("name"), Description: f.text("description"), Type: what, Parent: f.text("parentId"), Permissions: ownPermissions,
				CreatedAt: f.text("createdAt"), CreatedBy: f.text("createdBy"), ModifiedAt: f.text("modifiedAt"), ModifiedBy: f.text("modifiedBy"),
			})
		}
	}
	for _, x := range a.tables.list() {
		l := x.told()
		out = append(out, item{
			ID: l.ID, Name: l.Name, Description: l.Description, Type: itemLookup, Parent: l.Parent, Permissions: ownPermissions,
			CreatedAt: l.CreatedAt, CreatedBy: l.CreatedBy, ModifiedAt: l.ModifiedAt, ModifiedBy: l.ModifiedBy,
		})
	}
	return out
}

// item finds one.
func (a *API) item(id string) (item, error) {
	all := a.items()
	if i := slices.IndexFunc(all, func(x item) bool { return strings.EqualFold(x.ID, id) }); i >= 0 {
		return all[i], nil
	}
	return item{}, refuse(http.StatusNotFound, "content:doesnt_exist", "Content with the given ID does not exist.")
}

// path is where an item is in the library.
func (a *API) path(x item) string {
	if x.ID == personalID {
		return personalPath
	}
	if x.ID == globalID {
		return "/Library/Global"
	}
	parent, err := a.item(x.Parent)
	if err != nil || parent.ID == x.ID {
		return personalPath + "/" + x.Name
	}
	return a.path(parent) + "/" + x.Name
}

// foldersDeep is how deep folders may be in each other.
const foldersDeep = 10

// folderPath is the path of a folder; that of the personal one for "".
func (a *API) folderPath(id string) (string, error) {
	if id == "" {
		return personalPath, nil
	}
	x, err := a.item(id)
	if err != nil || x.Type != itemFolder {
		return "", refuse(http.StatusBadRequest, "content:folder_doesnt_exist", "There is no folder %s.", id)
	}
	return a.path(x), nil
}

// folderShown is a folder with what is in it.
type folderShown struct {
	item
	Children []item `json:"children"`
}

func (a *API) folder(id string) (folderShown, error) {
	x, err := a.item(id)
	if err != nil {
		return folderShown{}, err
	}
	if x.Type != itemFolder {
		return folderShown{}, refuse(http.StatusBadRequest, "content:not_a_folder", "%s is a %s, not a folder.", id, x.Type)
	}
	f := folderShown{x, []item{}}
	for _, c := range a.items() {
		if strings.EqualFold(c.Parent, x.ID) {
			f.Children = append(f.Children, c)
		}
	}
	slices.SortStableFunc(f.Children, func(a, b item) int { return strings.Compare(a.Name, b.Name) })
	return f, nil
}

// folders are made and changed as documents.
var folders = &resource{kind: folderKind, what: "folder", role: access.Content, check: func(a *API, f, old fields) error {
	if err := f.need("name"); err != nil {
		return err
	}
	if strings.Contains(f.text("name"), "/") {
		return refuse(http.StatusBadRequest, "content:name.invalid", "The name of a folder has no slash.")
	}
	if f.text("parentId") == "" {
		f["parentId"] = personalID
	}
	path, err := a.folderPath(f.text("parentId"))
	if err != nil {
		return err
	}
	if strings.Count(path, "/") > foldersDeep {
		return refuse(http.StatusBadRequest, "content:too_deep", "Folders may be %d deep in each other.", foldersDeep)
	}
	f.put("description", "")
	return a.freeName(f)
}}

// freeName says that a folder has an item of a name already.
func (a *API) freeName(f fields) error {
	for _, x := range a.items() {
		if strings.EqualFold(x.Parent, f.text("parentId")) && strings.EqualFold(x.Name, f.text("name")) && x.ID != f.text("id") {
			return refuse(http.StatusBadRequest, "content:duplicate_content", "The folder has an item %s already.", f.text("name"))
		}
	}
	return nil
}

// savedSearches are searches by name, perhaps with a schedule: as the product writes
// them down, a SavedSearchWithScheduleSyncDefinition, with a parentId.
var savedSearches = &resource{kind: searchKind, what: "saved search", role: access.Content, check: func(a *API, f, old fields) error {
	if err := f.need("name"); err != nil {
		return err
	}
	if f.text("parentId") == "" {
		f["parentId"] = personalID
	}
	if _, err := a.folderPath(f.text("parentId")); err != nil {
		return err
	}
	f.put("type", "SavedSearchWithScheduleSyncDefinition")
	f.put("description", "")
	s, err := searchOf(f)
	if err != nil {
		return err
	}
	if _, err := a.tree(s.Search.Query); err != nil {
		return parseError(err)
	}
	if err := s.checkSchedule(a); err != nil {
		return err
	}
	return a.freeName(f)
}}

// task answers a call of those that the product does later: with the id of a task, which
// has its result already.
func (a *API) task(result any) any {
	id := newContentID()
	a.keepResult(id, result)
	return fields{"id": id}
}

// keepResult remembers what a task gave, for a while.
func (a *API) keepResult(id string, result any) {
	a.resultsMu.Lock()
	defer a.resultsMu.Unlock()
	if a.results == nil || len(a.results) >= tasksMost {
		a.results = map[string]any{}
	}
	a.results[id] = result
}

func (a *API) result(id string) (any, error) {
	a.resultsMu.Lock()
	defer a.resultsMu.Unlock()
	v, ok := a.results[strings.ToUpper(id)]
	if !ok {
		return nil, refuse(http.StatusNotFound, access.CodeNotFound, "There is no job %s.", id)
	}
	return v, nil
}

// taskStatus tells how a task went.
func (a *API) taskStatus(r *http.Request) (any, error) {
	v, err := a.result(r.PathValue("job"))
	if err != nil {
		return nil, err
	}
	s := fields{"status": "Success", "statusMessage": "", "error": nil}
	if f, ok := v.(*failure); ok {
		s["status"], s["error"] = "Failed", fields{"code": f.code, "message": f.message}
	}
	return s, nil
}

func (a *API) taskResult(r *http.Request) (any, error) {
	v, err := a.result(r.PathValue("job"))
	if f, ok := v.(*failure); ok {
		return nil, f
	}
	return v, err
}

// take imports a definition into a folder: searches and folders of them.
func (a *API) take(r *http.Request, into string, def fields, overwrite bool) error {
	switch kind := def.text("type"); kind {
	case "SavedSearchWithScheduleSyncDefinition":
		def["parentId"] = into
		if overwrite {
			for _, x := range a.items() {
				if x.Type == itemSearch && strings.EqualFold(x.Parent, into) && strings.EqualFold(x.Name, def.text("name")) {
					_, err := a.change(r, savedSearches, x.ID, def)
					return err
				}
			}
		}
		_, err := a.make(r, savedSearches, def)
		return err
	case "FolderSyncDefinition":
		children, _ := def["children"].([]any)
		id := ""
		for _, x := range a.items() {
			if overwrite && x.Type == itemFolder && strings.EqualFold(x.Parent, into) && strings.EqualFold(x.Name, def.text("name")) {
				id = x.ID
			}
		}
		if id == "" {
			made, err := a.make(r, folders, fields{"name": def.text("name"), "description": def.text("description"), "parentId": into})
			if err != nil {
				return err
			}
			id = made.text("id")
		}
		for _, c := range children {
			child, ok := c.(map[string]any)
			if !ok {
				return refuse(http.StatusBadRequest, codeBad, "A child of the folder %s is no object.", def.text("name"))
			}
			if err := a.take(r, id, child, overwrite); err != nil {
				return err
			}
		}
		return nil
	default:
		return refuse(http.StatusBadRequest, "content:type.invalid", "Content of the type %q is not offered; there are folders and saved searches.", kind)
	}
}

// give is the definition of an item.
func (a *API) give(x item) fields {
	switch x.Type {
	case itemSearch:
		d, _ := a.keep.get(searchKind, x.ID)
		f := d.fields()
		for _, own := range []string{"id", "parentId", "createdAt", "createdBy", "modifiedAt", "modifiedBy"} {
			delete(f, own)
		}
		return f
	case itemFolder:
		f := fields{"type": "FolderSyncDefinition", "name": x.Name, "description": x.Description}
		children := []fields{}
		shown, _ := a.folder(x.ID)
		for _, c := range shown.Children {
			if c.Type != itemLookup {
				children = append(children, a.give(c))
			}
		}
		f["children"] = children
		return f
	}
	return fields{"type": "LookupTableSyncDefinition", "name": x.Name, "description": x.Description}
}

// removeItem takes an item away, a folder with what is in it.
func (a *API) removeItem(r *http.Request, x item) error {
	switch x.Type {
	case itemSearch:
		return a.drop(r, savedSearches, x.ID)
	case itemLookup:
		return a.removeTable(r, x.ID)
	}
	if x.ID == personalID || x.ID == globalID {
		return refuse(http.StatusBadRequest, "content:permanent", "The folder %s stays.", x.Name)
	}
	shown, err := a.folder(x.ID)
	if err != nil {
		return err
	}
	for _, c := range shown.Children {
		if err := a.removeItem(r, c); err != nil {
			return err
		}
	}
	return a.drop(r, folders, x.ID)
}

// asTask does something and answers as the product does of what takes a while: with the
// id of a task, which has the result or the error.
func (a *API) asTask(r *http.Request, do func() (any, error)) any {
	v, err := do()
	if err != nil {
		f, ok := err.(*failure)
		if !ok {
			f = &failure{status: http.StatusInternalServerError, code: access.CodeInternal, message: err.Error()}
		}
		v = f
	}
	return a.task(v)
}

func (a *API) contentRoutes() []route {
	const base = "/api/v2/content"
	byID := func(do func(r *http.Request, x item) (any, error)) http.HandlerFunc {
		return a.answers(func(r *http.Request) (any, error) {
			x, err := a.item(r.PathValue("id"))
			if err != nil {
				return nil, err
			}
			return do(r, x)
		})
	}
	status, result := a.answers(a.taskStatus), a.answers(a.taskResult)
	return []route{
		{"GET " + base + "/folders/personal", access.Read, "gives the personal folder, which all keys share", a.answers(func(r *http.Request) (any, error) { return a.folder(personalID) })},
		{"GET " + base + "/folders/global", access.Read, "begins a list of what is global: nothing", a.answers(func(r *http.Request) (any, error) {
			return a.task(fields{"data": []item{}}), nil
		})},
		{"GET " + base + "/folders/global/{job}/status", access.Read, "tells how that went", status},
		{"GET " + base + "/folders/global/{job}/result", access.Read, "gives the list", result},
		{"GET " + base + "/folders/adminRecommended", access.Read, "begins a list of what is recommended: nothing", a.answers(func(r *http.Request) (any, error) {
			x, _ := a.folder(globalID)
			return a.task(x), nil
		})},
		{"GET " + base + "/folders/adminRecommended/{job}/status", access.Read, "tells how that went", status},
		{"GET " + base + "/folders/adminRecommended/{job}/result", access.Read, "gives the list", result},
		{"POST " + base + "/folders", access.Content, "makes a folder", a.answers(func(r *http.Request) (any, error) {
			f, err := folders.sent(r)
			if err != nil {
				return nil, err
			}
			made, err := a.make(r, folders, fields{"name": f["name"], "description": f.text("description"), "parentId": f.text("parentId")})
			if err != nil {
				return nil, err
			}
			return a.folder(made.text("id"))
		})},
		{"GET " + base + "/folders/{id}", access.Read, "gives a folder with what is in it", a.answers(func(r *http.Request) (any, error) { return a.folder(r.PathValue("id")) })},
		{"PUT " + base + "/folders/{id}", access.Content, "changes name and description of a folder", a.answers(func(r *http.Request) (any, error) {
			f, err := folders.sent(r)
			if err != nil {
				return nil, err
			}
			delete(f, "parentId")
			if _, err := a.change(r, folders, r.PathValue("id"), f); err != nil {
				return nil, err
			}
			return a.folder(r.PathValue("id"))
		})},
		{"POST " + base + "/folders/{id}/import", access.Content, "takes over folders and saved searches, with their schedules", byID(func(r *http.Request, x item) (any, error) {
			f, err := folders.sent(r)
			if err != nil {
				return nil, err
			}
			if x.Type != itemFolder {
				return nil, refuse(http.StatusBadRequest, "content:not_a_folder", "%s is a %s, not a folder.", x.ID, x.Type)
			}
			overwrite := strings.EqualFold(r.URL.Query().Get("overwrite"), "true")
			return a.asTask(r, func() (any, error) { return fields{}, a.take(r, x.ID, f, overwrite) }), nil
		})},
		{"GET " + base + "/folders/{id}/import/{job}/status", access.Read, "tells how that went", status},
		{"GET " + base + "/path", access.Read, "finds an item by its path", a.answers(func(r *http.Request) (any, error) {
			path := strings.TrimSuffix(r.URL.Query().Get("path"), "/")
			for _, x := range a.items() {
				if strings.EqualFold(a.path(x), path) {
					if x.Type == itemFolder {
						return a.folder(x.ID)
					}
					return x, nil
				}
			}
			return nil, refuse(http.StatusNotFound, "content:doesnt_exist", "Content with the given path does not exist.")
		})},
		{"GET " + base + "/{id}/{what}", access.Read, "tells the path of an item, where {what} is path", byID(func(r *http.Request, x item) (any, error) {
			if r.PathValue("what") != "path" { // a pattern that ends in path would be at odds with that of folders
				return nil, refuse(http.StatusNotFound, access.CodeNotFound, "There is no such call.")
			}
			return fields{"path": a.path(x)}, nil
		})},
		{"POST " + base + "/{id}/export", access.Read, "gives folders and saved searches as they are imported", byID(func(r *http.Request, x item) (any, error) {
			return a.task(a.give(x)), nil
		})},
		{"GET " + base + "/{id}/export/{job}/status", access.Read, "tells how that went", status},
		{"GET " + base + "/{id}/export/{job}/result", access.Read, "gives the definition", result},
		{"DELETE " + base + "/{id}/delete", access.Content, "takes an item away, a folder with what is in it", byID(func(r *http.Request, x item) (any, error) {
			return a.asTask(r, func() (any, error) { return fields{}, a.removeItem(r, x) }), nil
		})},
		{"GET " + base + "/{id}/delete/{job}/status", access.Read, "tells how that went", status},
		{"POST " + base + "/{id}/copy", access.Content, "copies folders and saved searches", byID(func(r *http.Request, x item) (any, error) {
			into := r.URL.Query().Get("destinationFolder")
			if _, err := a.folderPath(into); err != nil {
				return nil, err
			}
			if into == "" {
				into = personalID
			}
			return a.asTask(r, func() (any, error) { return fields{}, a.take(r, into, plainFields(a.give(x)), false) }), nil
		})},
		{"GET " + base + "/{id}/copy/{job}/status", access.Read, "tells how that went", status},
		{"POST " + base + "/{id}/move", access.Content, "moves a folder or saved search", byID(func(r *http.Request, x item) (any, error) {
			into := r.URL.Query().Get("destinationFolderId")
			if _, err := a.folderPath(into); err != nil || into == "" {
				return nil, refuse(http.StatusBadRequest, "content:folder_doesnt_exist", "There is no folder %q.", into)
			}
			of := map[string]*resource{itemFolder: folders, itemSearch: savedSearches}[x.Type]
			if of == nil || strings.EqualFold(into, x.ID) {
				return nil, refuse(http.StatusBadRequest, "content:not_movable", "%s cannot be moved there.", x.Name)
			}
			for at := into; at != "" && at != personalID; {
				up, err := a.item(at)
				if err != nil {
					break
				}
				if at = up.Parent; strings.EqualFold(at, x.ID) {
					return nil, refuse(http.StatusBadRequest, "content:not_movable", "%s cannot be moved into a folder of its own.", x.Name)
				}
			}
			_, err := a.change(r, of, x.ID, fields{"parentId": into})
			return nil, err
		})},
	}
}

// plainFields is a definition as if it had come over the wire.
func plainFields(f fields) (out fields) {
	text, _ := json.Marshal(f) // it came from JSON
	_ = json.Unmarshal(text, &out)
	return out
}
