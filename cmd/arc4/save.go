//go:build !noprofiles

package main

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/profile"
)

// saver writes a profile out of the flags that a tunnel came up with.
type saver struct {
	path     string
	pairs    []profile.Pair
	password func() string // nil: it is not to be in the file
	log      *slog.Logger
	once     sync.Once
}

// newSaver prepares what --save asks for, before anything is dialled; nil if it does not. The
// password is that of the login that succeeds.
func (f *connectFlags) newSaver(cmd *cobra.Command, server string, password func() string) (*saver, error) {
	if !cmd.Flags().Changed("save") {
		return nil, nil
	}
	path, err := profile.NewPath(f.save)
	if err != nil {
		return nil, exit.Usagef("--save: %w", err)
	}
	if err := profile.Free(path); err != nil {
		return nil, fmt.Errorf("--save %s: %w", f.save, err)
	}
	s := &saver{path: path, log: loggerFrom(cmd.Context()), pairs: []profile.Pair{{Key: serverKey, Value: server}}}
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if flag.Changed && !slices.Contains(notInFiles, flag.Name) {
			s.pairs = append(s.pairs, profile.Pair{Key: flag.Name, Value: valueOf(flag)})
		}
	})
	_, credential := credentialFile(passwordCredential)
	if f.passwordFile == "" && !(credential && f.given.password == nil) {
		s.password = password
	}
	return s, nil
}

// valueOf is a flag's value as a file has it.
func valueOf(flag *pflag.Flag) any {
	text := flag.Value.String()
	if list, is := flag.Value.(pflag.SliceValue); is {
		return list.GetSlice()
	}
	switch flag.Value.Type() {
	case "bool":
		return text == "true"
	case "int":
		if n, err := strconv.Atoi(text); err == nil {
			return n
		}
	}
	if slices.Contains(pathFlags, flag.Name) && text != "" {
		if absolute, err := filepath.Abs(text); err == nil {
			return absolute
		}
	}
	return text
}

// save writes the profile, once. The tunnel matters more than its profile: what goes wrong is a
// line in the log.
func (s *saver) save() {
	if s == nil {
		return
	}
	s.once.Do(func() {
		pairs := s.pairs
		if s.password != nil {
			pairs = append(pairs, profile.Pair{Key: passwordKey, Value: s.password()})
		}
		text, err := profile.Encode("What arc4 connect came up with (arc4 help profile).", pairs)
		if err == nil {
			err = profile.Create(s.path, text)
		}
		switch {
		case err != nil:
			s.log.Error("the profile could not be saved", "error", err)
		case s.password != nil:
			s.log.Info("profile saved, with the password in it; nobody else may read it", "path", s.path)
		default:
			s.log.Info("profile saved, without the password", "path", s.path)
		}
	})
}
