//go:build !nodecrypt

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/clidoc"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/exit"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/report"
	"github.com/arc4tun/arc4tun/internal/capturefile"
	"github.com/arc4tun/arc4tun/internal/decrypt"
	"github.com/arc4tun/arc4tun/internal/progressbar"
)

// decryptYours is said once in every run.
const decryptYours = "arc4 decrypt is for calls that are yours, at either end; to read those of others is forbidden nearly everywhere."

const decryptLong = `decrypt finds the PPTP calls in a capture, of tcpdump or Wireshark, and writes the packets inside in clear, with their
times. It needs the users' passwords and their logins in the capture: the keys of MPPE come from both. Passwords in clear are
in --password-file, or asked for; their hashes, as Windows and FreeRADIUS keep them, in --nt-hash-file; those of many users
in --secrets, a server's chap-secrets. Whether a password is right the login in the capture itself says.

IN is pcap or pcapng, compressed by gzip or not; - is standard input. The link may be Ethernet, with VLANs and PPPoE, Linux
cooked, loopback or raw IP. What comes out is raw IP: pcapng if its name ends in .pcapng, with an interface for each
direction of each call, else pcap. (tcpdump reads IPv6 in pcap only, Wireshark in both.) Nobody else may read the file. Without -w nothing is written, and where there is no
password either it is only said what is in the capture.

A call is found by its control connection, or by its GRE packets alone where that is not in the capture. Packets that the
capture does not have cost nothing else; with stateful MPPE the rest up to the next change of tables, which comes with every
256th packet. A capture that begins after the login cannot be deciphered by anybody who has no more than the password.
What a tunnel of arc4 sends by AF_XDP (--io), tcpdump does not see on the same machine: capture at the other end, or with
arc4 connect --capture.

` + decryptYours + `
That it works at all is why PPTP protects nothing of value: who has the password, or has searched for it through the login of
a capture, reads every call that was ever recorded, those of years ago too.`

const decryptExample = `  tcpdump -i eth0 -s 0 -w call.pcap 'tcp port 1723 or ip proto 47 or ip[6:2] & 0x1fff != 0'
  arc4 decrypt call.pcap                                          # what is in it
  arc4 decrypt call.pcap -w plain.pcap --password-file secret
  arc4 decrypt call.pcapng -w plain.pcapng --secrets /etc/ppp/chap-secrets
  arc4 decrypt call.pcap -w - --password-file secret | tcpdump -n -r -
  arc4 decrypt call.pcap --nt-hash-file hash --json | jq '.calls[].user'`

// decryptOptions are the flags.
type decryptOptions struct {
	write     string
	force     bool
	json      bool
	backend   string
	passwords decryptPasswords
}

func newDecryptCmd() *cobra.Command {
	var o decryptOptions
	cmd := &cobra.Command{
		Use:     "decrypt IN",
		Short:   "Write the packets inside of a capture's PPTP calls, given the passwords",
		Long:    decryptLong,
		Example: decryptExample,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return exit.Usagef("give one capture, such as call.pcap, or - for standard input")
			}
			return nil
		},
		ValidArgsFunction: clidoc.CompleteFiles,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd, args[0]) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.write, "write", "w", "", "`FILE` for the packets inside; - is standard output")
	f.BoolVar(&o.force, "force", false, "replace the file of -w if it is there already")
	f.BoolVar(&o.json, "json", false, "one JSON object instead of the table")
	f.StringVar(&o.backend, "backend", "auto", backendUsage)
	o.passwords.addFlags(f)
	completeBackendFlag(cmd)
	return cmd
}

func (o *decryptOptions) run(cmd *cobra.Command, path string) error {
	if err := o.check(cmd); err != nil {
		return err
	}
	backend, err := lookupBackend(o.backend)
	if err != nil {
		return err
	}
	ctx, stderr := cmd.Context(), cmd.ErrOrStderr()
	in, size, err := openCapture(path)
	if err != nil {
		return err
	}
	defer in.Close()
	// What the terminal asks for comes before the wait for a pipe.
	passwords, err := o.passwords.read(ctx, o.write == "", path == "-", stderr)
	if err != nil {
		return err
	}
	counting := &countingReader{in: in, ctx: ctx}
	reader, err := capturefile.NewReader(counting)
	switch {
	case errors.Is(err, errInterrupted):
		return err
	case err != nil:
		return exit.Usagef("%s: %w", path, err)
	}
	out, err := createDecrypted(o.write, o.force, in, reader, cmd.OutOrStdout())
	if err != nil {
		return err
	}
	fmt.Fprintln(stderr, decryptYours)
	var bar *progressbar.Bar
	if size >= largeCapture {
		bar = progressbar.New(stderr, size)
	}
	stop := bar.Follow(counting.read.Load)
	found, err := o.follow(ctx, backend, reader, out, passwords)
	stop()
	bar.End()
	if closeErr := out.finish(err == nil || errors.Is(err, capturefile.ErrBroken)); err == nil {
		err = closeErr
	}
	if writeErr := o.tell(cmd, found, out); err == nil {
		err = writeErr
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return o.verdict(path, found, passwords.survey)
}

func (o *decryptOptions) check(cmd *cobra.Command) error {
	switch {
	case cmd.Flags().Changed("write") && o.write == "":
		return exit.Usagef("-w is empty: name the file, or leave it out")
	case o.force && (o.write == "" || o.write == "-"):
		return exit.Usagef("--force has no effect without a file in -w: name one, or leave it out")
	}
	return o.passwords.check(cmd)
}

// openCapture opens a capture, whose size is 0 where nobody can say how much comes.
func openCapture(path string) (*os.File, int64, error) {
	if path == "-" {
		if progressbar.IsTerminal(os.Stdin) {
			return nil, 0, exit.Usagef("-: standard input is a terminal: give a file, or a pipe such as tcpdump -w - ... | arc4 decrypt -")
		}
		return os.Stdin, 0, nil
	}
	in, err := os.Open(path)
	if errors.Is(err, os.ErrPermission) {
		return nil, 0, exit.With(exit.Permission, err)
	}
	if err != nil {
		return nil, 0, exit.Usagef("%w", err)
	}
	info, err := in.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a directory: give a capture", path)
	}
	if err != nil {
		_ = in.Close()
		return nil, 0, exit.Usagef("%w", err)
	}
	if !info.Mode().IsRegular() {
		return in, 0, nil
	}
	return in, info.Size(), nil
}

// countingReader knows how far a file has been read, and ends where the command is to end: a file
// may go on for long without a packet.
type countingReader struct {
	in   io.Reader
	ctx  context.Context
	read atomic.Int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, errInterrupted
	}
	n, err := r.in.Read(p)
	r.read.Add(int64(n))
	return n, err
}

// largeCapture is from how many bytes on there is a progress bar: less takes no second.
const largeCapture = 64 << 20

// errInterrupted ends the reading; what was found until then is told.
var errInterrupted = errors.New("interrupted: what follows in the capture was not read")

// follow reads the capture. With an error it tells what was found until then.
func (o *decryptOptions) follow(ctx context.Context, backend *arc4.Backend, r *capturefile.Reader, out *decryptedFile, passwords *knownPasswords) (report.Decrypted, error) {
	f := decrypt.New(decrypt.Options{Hashes: passwords.hashes, Emit: out.write, Backend: backend})
	err := feed(ctx, f, r)
	cut := errors.Is(err, capturefile.ErrEnds)
	if finishErr := f.Finish(); err == io.EOF || cut {
		err = finishErr
	}
	return report.Decrypted{Report: f.Report(), Unread: r.Unread(), Cut: cut}, err
}

// feed gives a Follower the packets of a capture; the error at its end is io.EOF.
func feed(ctx context.Context, f *decrypt.Follower, r *capturefile.Reader) error {
	for {
		p, err := r.Next()
		if ctx.Err() != nil {
			return errInterrupted
		}
		if err != nil {
			return err
		}
		if err := f.Packet(p.At, p.IP, p.Cut); err != nil {
			return err
		}
	}
}

// tell writes the report: to standard output, unless the packets go there.
func (o *decryptOptions) tell(cmd *cobra.Command, found report.Decrypted, out *decryptedFile) error {
	to := cmd.OutOrStdout()
	if o.write == "-" {
		to = cmd.ErrOrStderr()
	}
	if o.json {
		return report.WriteDecryptedJSON(to, found)
	}
	if err := report.WriteDecrypted(to, found); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%d packets read", found.Packets)
	if out.path != "" {
		fmt.Fprintf(&b, ", %d packets inside written", out.written)
		if out.written > 0 && out.path != "-" {
			fmt.Fprintf(&b, " to %s", out.path)
		}
	}
	fmt.Fprintln(&b)
	if found.Cut {
		fmt.Fprintln(&b, "The capture ends within a packet: it was stopped by force, or copied while it was written.")
	}
	for _, unread := range found.Unread {
		fmt.Fprintf(&b, "Not read: %s.\n", unread)
	}
	_, err := io.WriteString(to, b.String())
	return err
}

// verdict is how the command ends: whether there was a call, and whether any of it could be had.
func (o *decryptOptions) verdict(path string, found report.Decrypted, survey bool) error {
	if len(found.Calls) == 0 {
		return fmt.Errorf("%s: no PPTP call is in it: neither a control connection (TCP 1723) nor its GRE packets", path)
	}
	var had, left uint64
	var wrong, unknown []string
	why := decrypt.NoLogin
	for _, c := range found.Calls {
		switch c.Login {
		case decrypt.LoginWrong:
			wrong = appendNew(wrong, c.User)
		case decrypt.LoginUnknown:
			unknown = appendNew(unknown, c.User)
		}
		for _, way := range c.Directions {
			had += way.Deciphered + way.Plain
			left += way.Left()
			for r, n := range way.Missed {
				if n > way.Missed[why] {
					why = decrypt.Reason(r)
				}
			}
		}
	}
	switch {
	case had > 0 || survey || left == 0 && len(wrong)+len(unknown) == 0:
		return nil
	case len(wrong) > 0:
		return exit.With(exit.Auth, fmt.Errorf("%s: the password is not that of %s: the response to the server's challenge is another", path, someOf(wrong)))
	case len(unknown) > 0:
		return exit.With(exit.Auth, fmt.Errorf("%s: there is no password for %s: add a line to the file of secrets, with the name as it is here", path, someOf(unknown)))
	case why == decrypt.NoLogin:
		return fmt.Errorf("%s: nothing could be deciphered, for the login is not in the capture: begin it before the call", path)
	}
	return fmt.Errorf("%s: nothing could be deciphered: %s", path, why)
}

// maxUsersSaid is how many users an error names.
const maxUsersSaid = 5

func appendNew(list []string, name string) []string {
	for _, other := range list {
		if other == name {
			return list
		}
	}
	return append(list, name)
}

// someOf names users.
func someOf(users []string) string {
	quoted := make([]string, min(len(users), maxUsersSaid))
	for i := range quoted {
		quoted[i] = fmt.Sprintf("%q", users[i])
	}
	text := strings.Join(quoted, ", ")
	if more := len(users) - len(quoted); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
