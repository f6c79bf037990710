package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/internal/server/access"
)

// CertificateName is the file in the data folder that holds a certificate which the server
// made for itself.
const CertificateName = "tls-cert.pem"

const (
	ownKey = "tls-key.pem"
	// ownTime is how long a certificate that the server made is good, and ownRest what
	// has to be left of it at a start.
	ownTime = 397 * 24 * time.Hour
	ownRest = 30 * 24 * time.Hour
)

// certificate is the TLS of a server: its owner's files, or one that it makes for itself
// and keeps in the data folder.
func (c *Config) certificate(told func(string, ...any)) (*tls.Config, error) {
	certFile, keyFile := c.TLSCert, c.TLSKey
	if certFile == "" {
		certFile, keyFile = filepath.Join(c.Data, CertificateName), filepath.Join(c.Data, ownKey)
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil || time.Until(pair.Leaf.NotAfter) < ownRest {
			if err := makeCertificate(certFile, keyFile); err != nil {
				return nil, err
			}
		}
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("tls-cert: %w", err)
	}
	if c.TLSCert == "" {
		told("the server's certificate is its own: clients trust it by the file %s (SHA-256 %X), or give --tls-cert and --tls-key", certFile, sha256.Sum256(pair.Certificate[0]))
	}
	k := &keypair{cert: certFile, key: keyFile, told: told, pair: &pair}
	k.seen = k.stamp()
	return &tls.Config{GetCertificate: k.get, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}, nil
}

// keypair is a certificate and its key, in files that are renewed while the server runs.
type keypair struct {
	cert, key string
	told      func(string, ...any)

	mu     sync.Mutex
	pair   *tls.Certificate
	looked time.Time
	seen   string // stamp of the files that pair is of, or that cannot be used
}

// renewEvery is how often it is looked whether the files are others.
const renewEvery = time.Second

// get is the certificate for a connection. Files that cannot be used change nothing.
func (k *keypair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now := time.Now(); now.Sub(k.looked) >= renewEvery {
		k.looked = now
		if stamp := k.stamp(); stamp != k.seen {
			k.seen = stamp
			if pair, err := tls.LoadX509KeyPair(k.cert, k.key); err != nil {
				k.told("the renewed certificate %s cannot be used, the one before stays: %v", k.cert, err)
			} else {
				k.pair = &pair
				k.told("the certificate %s is renewed", k.cert)
			}
		}
	}
	return k.pair, nil
}

// stamp tells whether the files are others than before.
func (k *keypair) stamp() (out string) {
	for _, name := range []string{k.cert, k.key} {
		if st, err := os.Stat(name); err == nil {
			out += fmt.Sprint(st.ModTime().UnixNano(), " ", st.Size(), " ")
		}
	}
	return out
}

// makeCertificate makes a certificate for the names and addresses of this machine.
func makeCertificate(certFile, keyFile string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return err
	}
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "gyoji"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(ownTime),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true, DNSNames: []string{"localhost"},
	}
	if name, err := os.Hostname(); err == nil {
		t.DNSNames = append(t.DNSNames, name)
	}
	if addrs, err := net.InterfaceAddrs(); err == nil {
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok {
				t.IPAddresses = append(t.IPAddresses, n.IP)
			}
		}
	}
	cert, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := access.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})); err != nil {
		return err
	}
	return access.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
}
