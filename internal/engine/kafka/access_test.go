package kafka

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// certificate makes one for this machine, and the pool that trusts it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "broker.example"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// TestAccess: brokers that ask for TLS and a password give records to who has
// them, and to no one else.
func TestAccess(t *testing.T) {
	cert, pool := certificate(t)
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1), kfake.SeedTopics(1, "events"), kfake.TLS(&tls.Config{Certificates: []tls.Certificate{cert}}),
		kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "reader", "right"), kfake.Superuser("SCRAM-SHA-256", "reader256", "right"),
		kfake.Superuser("PLAIN", "plainly", "right"),
	)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	trusted := &tls.Config{RootCAs: pool}
	producer, err := kgo.NewClient(
		kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic("events"), kgo.DialTLSConfig(trusted),
		kgo.SASL(scram.Auth{User: "reader", Pass: "right"}.AsSha512Mechanism()),
	)
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	if err := producer.ProduceSync(ctx, kgo.StringRecord("1")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		by    Access
		reads bool
	}{
		"scram-sha-512":                     {Access{TLS: trusted, User: "reader", Password: "right"}, true},
		"scram-sha-256":                     {Access{TLS: trusted, User: "reader256", Password: "right", SASL: "scram-sha-256"}, true},
		"plain":                             {Access{TLS: trusted, User: "plainly", Password: "right", SASL: "plain"}, true},
		"a wrong password":                  {Access{TLS: trusted, User: "reader", Password: "wrong"}, false},
		"a certificate that is not trusted": {Access{TLS: &tls.Config{RootCAs: x509.NewCertPool()}, User: "reader", Password: "right"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			address, err := ParseAddress("kafka://" + strings.Join(cluster.ListenAddrs(), ",") + "/events?from=oldest&group=" + strings.ReplaceAll(name, " ", "-"))
			if err != nil {
				t.Fatal(err)
			}
			k, err := Open(address, c.by)
			if err != nil {
				t.Fatal(err)
			}
			defer k.Close()
			parts, err := k.Next(ctx)
			if c.reads && (err != nil || texts(t, parts) != "1\n") || !c.reads && (err == nil || !strings.Contains(err.Error(), "no broker can be reached") || ctx.Err() != nil) {
				t.Errorf("read %d parts, %v", len(parts), err)
			}
		})
	}
}

// TestAccessRefuses: a password is not sent where everyone can read it.
func TestAccessRefuses(t *testing.T) {
	address := Address{Brokers: []string{"127.0.0.1:1"}, Topics: []string{"t"}, Group: "g"}
	for mechanism, want := range map[string]string{"plain": "use TLS", "kerberos": "there is no mechanism kerberos"} {
		if _, err := Open(address, Access{User: "u", Password: "p", SASL: mechanism}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", mechanism, err, want)
		}
	}
}
