package rulepack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// API is where GitHub's API is.
const API = "https://api.github.com"

// repository is where the rules are from.
const repository = "SigmaHQ/sigma"

const (
	answerMax    = 8 << 20          // of a description of a release
	headerWait   = 30 * time.Second // for a server to begin its answer
	fetchWait    = 10 * time.Minute // for one answer to end
	redirectsMax = 5
)

// Releases asks for SigmaHQ's releases.
type Releases struct {
	api    *url.URL
	client *http.Client
}

// ReleasesAt are the releases that an API of GitHub's form has: API, or a mirror of it.
// It must be reached by https, or be on this machine.
func ReleasesAt(api string) (*Releases, error) {
	at, err := url.Parse(strings.TrimSuffix(api, "/"))
	if err != nil || at.Host == "" || at.User != nil || at.RawQuery != "" {
		return nil, fmt.Errorf("%q is no address of an API: write such as %s", api, API)
	}
	r := &Releases{api: at}
	if err := r.allowed(at); err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = headerWait
	r.client = &http.Client{Transport: transport, CheckRedirect: func(to *http.Request, via []*http.Request) error {
		if len(via) > redirectsMax {
			return errors.New("the server redirects on and on")
		}
		return r.allowed(to.URL)
	}}
	return r, nil
}

// allowed reports why an address is not fetched: it may only be where the API is, and for
// GitHub's own where GitHub keeps the files of releases.
func (r *Releases) allowed(u *url.URL) error {
	host, home := strings.ToLower(u.Hostname()), strings.ToLower(r.api.Hostname())
	local := func(host string) bool {
		ip := net.ParseIP(host)
		return host == "localhost" || ip != nil && ip.IsLoopback()
	}
	below := func(domain string) bool { return host == domain || strings.HasSuffix(host, "."+domain) }
	switch {
	case local(home) && local(host) && (u.Scheme == "http" || u.Scheme == "https"):
		return nil
	case u.Scheme != "https":
		return fmt.Errorf("%s is not fetched: only https is, so that nobody on the way can change the rules", u.Redacted())
	case below(home), home == "api.github.com" && (below("github.com") || below("githubusercontent.com")):
		return nil
	}
	return fmt.Errorf("%s is not fetched: the release leads to another place than %s", u.Redacted(), home)
}

// Release is one release.
type Release struct {
	Tag       string    `json:"tag_name"`
	Published time.Time `json:"published_at"`
	Page      string    `json:"html_url"`
	Assets    []Asset   `json:"assets"`
}

// Asset is one file of a release.
type Asset struct {
	Name   string `json:"name"`
	URL    string `json:"browser_download_url"`
	Digest string `json:"digest"` // sha256:HEX; "" of what was released before June 2025
	Size   int64  `json:"size"`
}

// Find asks for the release of a tag, or the latest for "".
// Source: docs.github.com, REST API, endpoints for releases.
func (r *Releases) Find(ctx context.Context, tag string) (*Release, error) {
	at := r.api.JoinPath("repos", repository, "releases", "latest")
	if tag != "" {
		at = r.api.JoinPath("repos", repository, "releases", "tags", tag)
	}
	text, err := r.get(ctx, at, "application/vnd.github+json", answerMax)
	if errors.Is(err, errNotFound) && tag != "" {
		return nil, fmt.Errorf("SigmaHQ has no release %s; %s lists them", tag, Page)
	}
	if err != nil {
		return nil, err
	}
	release := &Release{}
	if err := json.Unmarshal(text, release); err != nil || release.Tag == "" {
		return nil, fmt.Errorf("%s does not answer as GitHub's API does; is there a proxy or a login page between?", at.Host)
	}
	if err := CheckVersion(release.Tag); err != nil {
		return nil, fmt.Errorf("the release of %s: %w", at.Host, err)
	}
	return release, nil
}

// Asset is the file of a package in the release.
func (r *Release) Asset(o Official) (Asset, error) {
	var names []string
	for _, a := range r.Assets {
		if a.Name == o.Asset {
			return a, nil
		}
		names = append(names, a.Name)
	}
	has := "has no files"
	if len(names) > 0 {
		has = "has " + strings.Join(names, ", ")
	}
	return Asset{}, fmt.Errorf("release %s has no %s: it %s", r.Tag, o.Asset, has)
}

// SHA256 is the digest that the release names for the file, in hexadecimal.
func (a Asset) SHA256() (string, error) {
	return ParseDigest(a.Digest)
}

// ParseDigest reads a SHA-256 in hexadecimal, with sha256: before it or not.
func ParseDigest(s string) (string, error) {
	sum := strings.ToLower(strings.TrimPrefix(strings.TrimSpace(s), "sha256:"))
	if len(sum) != 64 || strings.Trim(sum, "0123456789abcdef") != "" {
		return "", fmt.Errorf("%q is no SHA-256: it has 64 hexadecimal digits", s)
	}
	return sum, nil
}

// Fetch gets a file of a release and checks its digest.
func (r *Releases) Fetch(ctx context.Context, a Asset) ([]byte, error) {
	want, err := a.SHA256()
	if err != nil {
		return nil, fmt.Errorf("the release names no SHA-256 of %s (GitHub has them since June 2025), so it cannot be checked: choose a later release, or download it yourself and run gyoji rules add %s", a.Name, a.Name)
	}
	if a.Size > Max {
		return nil, fmt.Errorf("%s has %d bytes, and no archive of rules has more than %d", a.Name, a.Size, Max)
	}
	at, err := url.Parse(a.URL)
	if err != nil {
		return nil, fmt.Errorf("the release's address of %s cannot be read: %w", a.Name, err)
	}
	if err := r.allowed(at); err != nil {
		return nil, err
	}
	text, err := r.get(ctx, at, "application/octet-stream", Max)
	if err != nil {
		return nil, err
	}
	if err := CheckDigest(a.Name, text, want); err != nil {
		return nil, err
	}
	return text, nil
}

// CheckDigest reports that a file has another SHA-256 than it should.
func CheckDigest(name string, text []byte, want string) error {
	if got := digest(text); got != want {
		return fmt.Errorf("%s is not the file that was released: its SHA-256 is %s, and should be %s; nothing was changed. Try once more; if it stays so, something between you and the release changes it", name, got, want)
	}
	return nil
}

var errNotFound = errors.New("there is no such page")

// get fetches an address.
func (r *Releases) get(ctx context.Context, at *url.URL, accept string, most int64) ([]byte, error) {
	long, cancel := context.WithTimeout(ctx, fetchWait)
	defer cancel()
	req, err := http.NewRequestWithContext(long, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", "gyoji") // GitHub refuses requests without one
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, r.unreachable(ctx, at, err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("%s: %w", at.Redacted(), errNotFound)
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusForbidden && resp.Header.Get("X-RateLimit-Remaining") == "0":
		when := "later"
		if s, err := strconv.ParseInt(resp.Header.Get("X-RateLimit-Reset"), 10, 64); err == nil {
			when = "after " + time.Unix(s, 0).UTC().Format("15:04 MST")
		}
		return nil, fmt.Errorf("%s takes no more requests from your network for now: try %s, or download the file from %s and run gyoji rules add FILE.zip", at.Host, when, Page)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s answers %s; try later, or download the file from %s and run gyoji rules add FILE.zip", at.Host, resp.Status, Page)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	if err != nil {
		return nil, r.unreachable(ctx, at, err)
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("%s sends more than %d bytes, which is too much for what was asked", at.Host, most)
	}
	return text, nil
}

// unreachable says that an address cannot be fetched, and the way without a network.
func (r *Releases) unreachable(ctx context.Context, at *url.URL, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var in *url.Error
	if errors.As(err, &in) {
		err = in.Err
	}
	return fmt.Errorf("cannot fetch from %s: %w; without a network, download the file elsewhere from %s and run gyoji rules add FILE.zip", at.Host, err, Page)
}
