package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/server/access"
	"github.com/gyoji-dev/gyoji/internal/server/collect"
)

// CredentialsName is the file in the data folder that holds the secrets of the first start
// and of sources made later, for the owner of the folder. The server itself checks hashes:
// whoever has noted the secrets may remove the file.
const CredentialsName = "credentials.json"

// Credentials are what is in the file.
type Credentials struct {
	AccessID     string            `json:"access_id,omitempty"`
	AccessKey    string            `json:"access_key,omitempty"`
	SourceURL    string            `json:"http_source_url,omitempty"`
	WebURL       string            `json:"web_url"`
	SigninURL    string            `json:"signin_url,omitempty"`    // signs a browser in while the server runs
	SourceTokens map[string]string `json:"source_tokens,omitempty"` // of other sources, by id
}

// ReadCredentials reads the file of a folder.
func ReadCredentials(dir string) (c Credentials, err error) {
	text, err := os.ReadFile(filepath.Join(dir, CredentialsName))
	if err == nil {
		if err = json.Unmarshal(text, &c); err != nil {
			err = fmt.Errorf("%s is damaged: %w. Put it right, or remove it: the server does not need it, and keys are made by gyoji serve key add", filepath.Join(dir, CredentialsName), err)
		}
	}
	return c, err
}

// receiverPath is where HTTP sources are.
const receiverPath = "/receiver/v1/http"

// vault keeps the file: it is a collect.Vault.
type vault struct {
	dir   string
	first string // id of the source whose address is http_source_url

	mu sync.Mutex
	c  Credentials
}

// openVault reads the file; there need be none.
func openVault(dir string) (*vault, error) {
	v := &vault{dir: dir, first: strconv.FormatInt(collect.FirstSource, 10)}
	c, err := ReadCredentials(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	v.c = c
	return v, nil
}

func (v *vault) write() error {
	text, err := json.MarshalIndent(v.c, "", "  ")
	if err != nil {
		return err
	}
	return access.WriteFile(filepath.Join(v.dir, CredentialsName), append(text, '\n'))
}

func (v *vault) token(id string) string {
	if id == v.first {
		_, token, _ := strings.Cut(v.c.SourceURL, receiverPath+"/")
		return token
	}
	return v.c.SourceTokens[id]
}

// Keep keeps a source's token; "" forgets it.
func (v *vault) Keep(source int64, token string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	id := strconv.FormatInt(source, 10)
	switch {
	case id == v.first && token == "":
		v.c.SourceURL = ""
	case id == v.first:
		v.c.SourceURL = v.c.WebURL + receiverPath + "/" + token
	case token == "":
		delete(v.c.SourceTokens, id)
	default:
		if v.c.SourceTokens == nil {
			v.c.SourceTokens = map[string]string{}
		}
		v.c.SourceTokens[id] = token
	}
	return v.write()
}

// Token is a source's token, "" where it is not known any more.
func (v *vault) Token(source int64) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.token(strconv.FormatInt(source, 10))
}

// address writes the addresses of the running server. link makes the token of a sign-in
// link for an access id; there is one only where the file has the key as well, so that who
// has removed the file finds no other secret in it.
func (v *vault) address(base string, link func(id string) string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.c.WebURL, v.c.SigninURL = base, ""
	if v.c.AccessKey != "" {
		v.c.SigninURL = base + signinPath + "#" + link(v.c.AccessID)
	}
	if token := v.token(v.first); token != "" {
		v.c.SourceURL = base + receiverPath + "/" + token
	}
	return v.write()
}

// begin sees to it that there is a key and a source to begin with. The secrets are written
// first: a server that dies in between goes on with them at its next start. made says that
// they are new.
func (v *vault) begin(keys *access.Keys, sources func() (*collect.Sources, error)) (s *collect.Sources, made bool, err error) {
	all, err := keys.List()
	if err != nil {
		return nil, false, err
	}
	if made = len(all) == 0; made {
		v.mu.Lock()
		if v.c.AccessID == "" || v.c.AccessKey == "" {
			v.c.AccessID, v.c.AccessKey = access.NewSecret()
			err = v.write()
		}
		v.mu.Unlock()
		if err != nil {
			return nil, false, err
		}
	}
	if s, err = sources(); err != nil {
		return nil, false, err
	}
	if made {
		collector, source := s.First()
		if _, _, err := s.Source(collector, source); err == nil && v.Token(source) == "" {
			if _, err := s.Renew(collector, source); err != nil {
				return nil, false, err
			}
		}
		if _, err := keys.Put(v.c.AccessID, v.c.AccessKey, "first", access.Admin); err != nil {
			return nil, false, err
		}
	}
	return s, made, nil
}
