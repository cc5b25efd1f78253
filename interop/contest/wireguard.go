//go:build linux

package main

import (
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// socketTimeout is how long wireguard-go may take to open its socket and to answer there.
const socketTimeout = 10 * time.Second

// guards writes the settings of two ends, each an outer and an inner address, for each other.
func guards(one, two []string) error {
	var keys [2]*ecdh.PrivateKey
	for i := range keys {
		var err error
		if keys[i], err = ecdh.X25519().GenerateKey(rand.Reader); err != nil {
			return err
		}
	}
	return errors.Join(
		os.WriteFile("guard1", []byte(settings(keys[0], keys[1].PublicKey(), two)), 0o600),
		os.WriteFile("guard2", []byte(settings(keys[1], keys[0].PublicKey(), one)), 0o600))
}

// settings are those of one end, in the words of its socket (wireguard.com/xplatform).
func settings(own *ecdh.PrivateKey, other *ecdh.PublicKey, peer []string) string {
	return fmt.Sprintf("set=1\nprivate_key=%x\nlisten_port=51820\npublic_key=%x\nendpoint=%s:51820\nallowed_ip=%s/32\n\n",
		own.Bytes(), other.Bytes(), peer[0], peer[1])
}

// settle gives a file of settings to the wireguard-go of a device, once its socket is there.
func settle(device, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	socket := "/var/run/wireguard/" + device + ".sock"
	end := time.Now().Add(socketTimeout)
	conn, err := net.Dial("unix", socket)
	for ; err != nil && time.Now().Before(end); conn, err = net.Dial("unix", socket) {
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		return fmt.Errorf("wireguard-go does not open its socket: %w", err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(end); err != nil {
		return err
	}
	if _, err := conn.Write(text); err != nil {
		return err
	}
	answer := make([]byte, len("errno=0"))
	if _, err := io.ReadFull(conn, answer); err != nil {
		return fmt.Errorf("wireguard-go does not answer: %w", err)
	}
	if string(answer) != "errno=0" {
		return fmt.Errorf("wireguard-go refuses its settings: %s", strings.TrimSpace(string(answer)))
	}
	return nil
}
