//go:build !nodecrypt

package main

import (
	"context"
	"encoding/hex"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/mschap"
	"github.com/arc4tun/arc4tun/tunnel/secrets"
)

// decryptPasswords are the flags of arc4 decrypt that say where the passwords are.
type decryptPasswords struct {
	passwordFile, hashFile, secrets string
	insecure                        bool
}

func (f *decryptPasswords) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.passwordFile, "password-file", "", "`FILE` whose first line is the password of all calls; left out, "+passwordVariable+" or a prompt")
	flags.StringVar(&f.hashFile, "nt-hash-file", "", "`FILE` whose first line is the password's NT hash, 32 hexadecimal digits")
	flags.StringVar(&f.secrets, "secrets", "", "`FILE` of users and their passwords, as pppd's chap-secrets")
	flags.BoolVar(&f.insecure, "insecure-secrets", false, "accept such files that others can read")
}

func (f *decryptPasswords) check(cmd *cobra.Command) error {
	for _, name := range []string{"password-file", "nt-hash-file", "secrets"} {
		if flag := cmd.Flag(name); flag.Changed && flag.Value.String() == "" {
			return exit.Usagef("--%s is empty: name the file, or leave it out", name)
		}
	}
	if f.insecure && f.passwordFile+f.hashFile+f.secrets == "" {
		return exit.Usagef("--insecure-secrets has no effect without --password-file, --nt-hash-file or --secrets: name the file, or leave it out")
	}
	return atMostOne(cmd, "password-file", "nt-hash-file", "secrets")
}

// knownPasswords are the passwords of users.
type knownPasswords struct {
	all    [][16]byte     // of whoever it is
	table  *secrets.Table // or by user
	survey bool           // there are none, and nobody asked for more than what is in the capture
}

// read reads them. Where nothing is to be written nobody is asked for a password.
func (f *decryptPasswords) read(ctx context.Context, look, stdin bool, stderr io.Writer) (*knownPasswords, error) {
	switch {
	case f.secrets != "":
		file, err := secrets.Open(f.secrets, secrets.Options{Insecure: f.insecure || keptForUs(f.secrets)})
		if err != nil {
			return nil, secretsError("--secrets", err)
		}
		return &knownPasswords{table: file.Table()}, nil
	case f.hashFile != "":
		line, err := firstLineOf("--nt-hash-file", f.hashFile, f.insecure)
		if err != nil {
			return nil, err
		}
		hash, err := hex.DecodeString(line)
		if err != nil || len(hash) != 16 {
			return nil, exit.Usagef("--nt-hash-file %s: its first line is no NT hash: must be 32 hexadecimal digits", f.hashFile)
		}
		return &knownPasswords{all: [][16]byte{[16]byte(hash)}}, nil
	}
	source := passwordSource{file: f.passwordFile, insecure: f.insecure}
	if !source.kept() && look {
		return &knownPasswords{survey: true}, nil
	}
	if !source.kept() && stdin {
		return nil, exit.Usagef("no password: give --password-file FILE or set %s (standard input is the capture)", passwordVariable)
	}
	password, _, err := source.read(ctx, "the calls", stderr)
	if err != nil {
		return nil, err
	}
	return &knownPasswords{all: [][16]byte{mschap.NTPasswordHash(password)}}, nil
}

// hashes are those of a user, who is looked up as the client said, and then without the domain.
func (k *knownPasswords) hashes(user string) [][16]byte {
	if k.table == nil {
		return k.all
	}
	for _, name := range slices.Compact([]string{user, mschap.UserName(user)}) {
		var found [][16]byte
		for _, server := range append(k.table.ServersOf(name), "*") {
			if s, ok := k.table.Lookup(name, server); ok {
				if hash := mschap.NTPasswordHash(s.Password); !slices.Contains(found, hash) {
					found = append(found, hash)
				}
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}
