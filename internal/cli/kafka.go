package cli

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gyoji-dev/gyoji/internal/engine/kafka"
)

// kafkaPassword is the environment variable that holds the password: a command
// line can be read by every user of the machine.
const kafkaPassword = "GYOJI_KAFKA_PASSWORD"

// kafkaAccess are the flags of how Kafka's brokers are reached.
type kafkaAccess struct {
	tls            bool
	ca, user, sasl string
}

func (k *kafkaAccess) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&k.tls, "kafka-tls", false, "reach Kafka's brokers over TLS")
	f.StringVar(&k.ca, "kafka-ca", "", "PEM file of the authorities that brokers' certificates are of (default: the system's); implies --kafka-tls")
	f.StringVar(&k.user, "kafka-user", "", "user name for SASL; the password is taken from the environment variable "+kafkaPassword)
	choiceFlag(f, &k.sasl, "kafka-sasl", "", kafka.Mechanisms[0], kafka.Mechanisms, "SASL mechanism: "+strings.Join(kafka.Mechanisms, ", "))
}

// open checks the flags.
func (k *kafkaAccess) open() (kafka.Access, error) {
	a := kafka.Access{User: k.user, SASL: strings.ToLower(k.sasl)}
	if k.tls || k.ca != "" {
		a.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if k.ca != "" {
		text, err := os.ReadFile(k.ca)
		if err != nil {
			return a, &exit{exitInput, err}
		}
		a.TLS.RootCAs = x509.NewCertPool()
		if !a.TLS.RootCAs.AppendCertsFromPEM(text) {
			return a, &exit{exitInput, fmt.Errorf("--kafka-ca %s: there is no certificate in it", k.ca)}
		}
	}
	if k.user != "" {
		if a.Password = os.Getenv(kafkaPassword); a.Password == "" {
			return a, usageError("--kafka-user %s: put the password into the environment variable %s", k.user, kafkaPassword)
		}
	}
	return a, nil
}
