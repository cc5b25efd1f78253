//go:build !nodecrypt

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/internal/capturefile"
	"github.com/arc4tun/arc4tun/internal/decrypt"
	"github.com/arc4tun/arc4tun/internal/progressbar"
)

// maxFlowInterfaces bounds the interfaces of a pcapng file: what comes after so many directions of
// calls shares the last.
const maxFlowInterfaces = 4000

// versionedFlow is one version of IP in one direction of a call.
type versionedFlow struct {
	flow    int
	version int
}

// decryptedFile is where the packets inside go.
type decryptedFile struct {
	path    string // empty: nowhere
	file    *os.File
	temp    string // the file that takes the place of path at the end
	ours    bool   // file was made here
	out     *capturefile.Writer
	flows   map[versionedFlow]int // interfaces
	written int
}

// createDecrypted makes the file of -w, which nobody else may read, and which is none that is there
// already, unless that is to be replaced.
func createDecrypted(path string, force bool, in *os.File, r *capturefile.Reader, stdout io.Writer) (*decryptedFile, error) {
	d := &decryptedFile{path: path, flows: make(map[versionedFlow]int)}
	format := capturefile.Format{Pcapng: strings.HasSuffix(path, ".pcapng"), Nanoseconds: r.Nanoseconds(), Application: "arc4 " + versionString()}
	var err error
	switch path {
	case "":
		return d, nil
	case "-":
		if progressbar.IsTerminal(stdout) {
			return nil, exit.Usagef("-w -: standard output is a terminal: send it into a file or a pipe, such as | tcpdump -n -r -")
		}
		format.Pcapng = r.Pcapng()
		d.out, err = capturefile.NewWriter(stdout, format)
		return d, err
	}
	if err := d.open(force, in); err != nil {
		if errors.Is(err, fs.ErrPermission) {
			err = exit.With(exit.Permission, err)
		}
		return nil, err
	}
	if d.out, err = capturefile.NewWriter(d.file, format); err != nil {
		d.discard()
		return nil, err
	}
	return d, nil
}

// open opens the file of -w, or the one that takes its place at the end.
func (d *decryptedFile) open(force bool, in *os.File) error {
	info, err := os.Stat(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		d.ours = true
		d.file, err = os.OpenFile(d.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		return err
	}
	if err != nil {
		return err
	}
	read, err := in.Stat()
	switch {
	case err == nil && os.SameFile(info, read):
		return exit.Usagef("-w %s: that is the capture itself: give another name", d.path)
	case info.IsDir():
		return exit.Usagef("-w %s: that is a directory: name a file in it", d.path)
	case !info.Mode().IsRegular(): // a pipe, or /dev/null
		d.file, err = os.OpenFile(d.path, os.O_WRONLY, 0)
		return err
	case !force:
		return exit.Usagef("-w %s: it is there already: give another name, or --force to replace it", d.path)
	}
	if d.path, err = filepath.EvalSymlinks(d.path); err != nil {
		return err
	}
	d.ours = true
	if d.file, err = os.CreateTemp(filepath.Dir(d.path), "."+filepath.Base(d.path)+".*"); err == nil {
		d.temp = d.file.Name()
	}
	return err
}

// write takes a packet of a Follower.
func (d *decryptedFile) write(p decrypt.Plain) error {
	if d.out == nil {
		return nil
	}
	key := versionedFlow{p.Flow, int(p.IP[0] >> 4)}
	from, known := d.flows[key]
	if !known {
		var err error
		if from, err = d.addFlow(key, p); err != nil {
			return err
		}
	}
	if err := d.out.Write(p.At, from, p.IP); err != nil {
		return err
	}
	d.written++
	return nil
}

// addFlow makes an interface for a direction of a call.
func (d *decryptedFile) addFlow(key versionedFlow, p decrypt.Plain) (int, error) {
	if len(d.flows) >= maxFlowInterfaces {
		return d.more(key.version)
	}
	comment := "in clear"
	if p.Bits > 0 {
		comment = fmt.Sprintf("MPPE of %d bits", p.Bits)
		if p.Stateful {
			comment += ", stateful"
		}
	}
	if p.User != "" {
		comment = "user " + strings.ToValidUTF8(p.User, "?") + ", " + comment
	}
	from, err := d.out.Interface(key.version, fmt.Sprintf("%s > %s call %d", p.From, p.To, p.CallID), comment)
	d.flows[key] = from
	return from, err
}

// more is the interface of a version of IP for what has none of its own.
func (d *decryptedFile) more(version int) (int, error) {
	key := versionedFlow{-1, version}
	from, known := d.flows[key]
	if known {
		return from, nil
	}
	from, err := d.out.Interface(version, "further calls", "")
	d.flows[key] = from
	return from, err
}

// finish ends the file. One that nothing was written to does not stay, nor one that could not be
// written whole; whole reports whether the capture was read as far as it can be: if not, what was
// to be replaced stays.
func (d *decryptedFile) finish(whole bool) error {
	if d.out == nil {
		return nil
	}
	if d.ours && d.written == 0 || d.temp != "" && !whole {
		d.discard()
		return nil
	}
	err := d.out.Flush()
	if d.file == nil {
		return err
	}
	if closeErr := d.file.Close(); err == nil {
		err = closeErr
	}
	if err == nil && d.temp != "" {
		err = os.Rename(d.temp, d.path)
	}
	if err != nil {
		d.discard()
	}
	return err
}

// discard takes the file away.
func (d *decryptedFile) discard() {
	d.written = 0
	_ = d.file.Close()
	if d.ours {
		_ = os.Remove(d.file.Name())
	}
}
