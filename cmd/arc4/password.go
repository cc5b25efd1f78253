package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/tunnel/secrets"
)

// passwordVariable is the environment variable a password is taken from when no file is named.
const passwordVariable = "ARC4_PASSWORD"

// maxPasswordFile bounds what is read of a password file, in bytes.
const maxPasswordFile = 4096

// passwordSource is where a password may be, beside the environment and the keyboard.
type passwordSource struct {
	file     string // --password-file
	insecure bool   // others may read that
	profile  *string
}

// kept reports whether nobody has to be asked.
func (s passwordSource) kept() bool {
	_, given := os.LookupEnv(passwordVariable)
	_, credential := credentialFile(passwordCredential)
	return given || credential || s.file != "" || s.profile != nil
}

// read finds the password: in the file, else in the environment, else in the profile, else among
// what systemd keeps for a service, else at a prompt, which asked tells. It is never an argument,
// which every user of the machine could read.
func (s passwordSource) read(ctx context.Context, user string, stderr io.Writer) (password string, asked bool, err error) {
	if s.file != "" {
		password, err = passwordFromFile(s.file, s.insecure)
		return password, false, err
	}
	if p, ok := os.LookupEnv(passwordVariable); ok {
		return p, false, nil
	}
	if s.profile != nil {
		return *s.profile, false, nil
	}
	if path, is := credentialFile(passwordCredential); is {
		password, err = passwordFromFile(path, true)
		return password, false, err
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return "", false, exit.Usagef("no password: give --password-file FILE or set %s (standard input is no terminal to ask on)", passwordVariable)
	}
	password, err = askPassword(ctx, user, stderr)
	return password, true, err
}

// errNoPassword is what ends a prompt instead of a password.
var errNoPassword = errors.New("no password was given")

// askPassword asks on the terminal until something is typed. Control-C, control-D and any signal
// that ends the program end the asking, with the terminal as it was.
func askPassword(ctx context.Context, user string, stderr io.Writer) (string, error) {
	for {
		p, err := readSecretLine(ctx, fmt.Sprintf("Password of %s: ", user), os.Stdin, stderr)
		switch {
		case ctx.Err() != nil, errors.Is(err, io.EOF):
			fmt.Fprintln(stderr)
			return "", exit.With(exit.Interrupted, errNoPassword)
		case err != nil:
			return "", fmt.Errorf("reading the password: %w", err)
		case strings.ContainsRune(p, utf8.RuneError):
			return "", exit.Usagef("the password that was typed is not UTF-8: set the terminal to UTF-8, or use --password-file")
		case p != "":
			return p, nil
		}
	}
}

// passwordFromFile takes the first line of --password-file.
func passwordFromFile(name string, insecure bool) (string, error) {
	return firstLineOf("--password-file", name, insecure)
}

// firstLineOf takes the first line of a file with a secret, which a flag names. Only a regular file
// can be readable by others for longer than this run, so only that is checked.
func firstLineOf(flag, name string, insecure bool) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", secretsError(flag+" "+name, cause(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", flag, name, cause(err))
	}
	if mode := info.Mode(); mode.IsRegular() && mode.Perm()&0o077 != 0 && !insecure && !keptForUs(name) {
		return "", secretsError(flag, &secrets.InsecureError{Path: name, Mode: mode})
	}
	b, err := io.ReadAll(io.LimitReader(f, maxPasswordFile+1))
	if err != nil {
		return "", exit.With(exit.Usage, fmt.Errorf("%s %s: %w", flag, name, cause(err)))
	}
	if len(b) > maxPasswordFile {
		return "", exit.Usagef("%s %s: longer than %d bytes: is this the right file?", flag, name, maxPasswordFile)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	line = strings.TrimSuffix(line, "\r")
	if line == "" {
		return "", exit.Usagef("%s %s: its first line is empty", flag, name)
	}
	return line, nil
}

// cause is what a file's error says without the file's name, for messages that name it already.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// secretsError classes a file of secrets that cannot be used: closed to us, open to others, or
// malformed.
func secretsError(flag string, err error) error {
	var insecure *secrets.InsecureError
	if errors.As(err, &insecure) || errors.Is(err, fs.ErrPermission) {
		return exit.With(exit.Permission, fmt.Errorf("%s: %w", flag, err))
	}
	return exit.With(exit.Usage, fmt.Errorf("%s: %w", flag, err))
}
