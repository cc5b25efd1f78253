package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/arc4tun/arc4tun/arc4"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/backendcache"
	"github.com/arc4tun/arc4tun/cmd/arc4/internal/report"
)

const backendsLong = `backends lists the RC4 implementations that run on this machine: what each is, how many packets it encrypts at once,
whether it passed its self-test (all test vectors of RFC 6229), how fast it was when the selection measured it, and what
it was selected for. --all lists those for other processors too, and says what is missing here.

Work is of three kinds, and the fastest is selected for each: a stream (one key, much data), a packet (a new key and 1400
bytes, one at a time) and packets (the same in batches). The selection takes a few milliseconds, so its figures are
rough: "arc4 speed" measures thoroughly.

A backend that fails its self-test is never selected. The environment variable ARC4_BACKEND, and --backend of other
commands, name another than the fastest: NAME, or up to three names for stream, packet and packets with commas between
them, of which those left out at the end are as the one before, and auto is the fastest. On MIPS only the assembly is
measured, which is known to be faster than the rest. --backend-cache keeps what was selected in a file, of which connect
and serve believe, with the same flag, what was written on this processor, under this kernel and by this very build; they
write it themselves where it is missing or does not count, and do the self-test of what it names. The command ends with code 1 if a
self-test failed or nothing could be selected.`

func newBackendsCmd() *cobra.Command {
	var asJSON, all bool
	var cache string
	cmd := &cobra.Command{
		Use:   "backends",
		Short: "List the RC4 backends of this machine, and which is selected",
		Long:  backendsLong,
		Example: `  arc4 backends
  arc4 backends --all
  arc4 backends --json
  arc4 backends --backend-cache /var/lib/arc4/backend
  ARC4_BACKEND=u32 arc4 backends
  ARC4_BACKEND=auto,u32 arc4 backends`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cache != "" {
				if err := checkBackendCache("auto", cache); err != nil {
					return err
				}
			}
			list := listBackends(all)
			write := list.writeTable
			if asJSON {
				write = list.writeJSON
			}
			if err := write(cmd.OutOrStdout()); err != nil {
				return fmt.Errorf("cannot write the list: %w", err)
			}
			if err := list.err(); err != nil || cache == "" {
				return err
			}
			return list.keep(cache)
		},
	}
	cmd.Flags().StringVar(&cache, "backend-cache", "", "keep which backend was selected in `FILE`, for connect and serve")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	cmd.Flags().BoolVar(&all, "all", false, "also those that cannot run here, and why not")
	return cmd
}

// completeBackendFlag has shells complete the value of cmd's --backend.
func completeBackendFlag(cmd *cobra.Command) {
	if err := cmd.RegisterFlagCompletionFunc("backend", completeBackends); err != nil {
		panic(err)
	}
}

func completeBackends(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	names := []cobra.Completion{cobra.CompletionWithDesc("auto", "the fastest for each kind of work")}
	for _, b := range arc4.Backends() {
		names = append(names, cobra.CompletionWithDesc(b.Name(), b.Describe()))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// backendList is what backends prints; its JSON is the command's.
type backendList struct {
	Selected   string           `json:"selected"` // empty if none could be
	Why        string           `json:"why"`
	Selections []selectedFor    `json:"selections"`
	Backends   []backendLine    `json:"backends"`
	Missing    []missingBackend `json:"missing,omitempty"` // only with --all
}

// selectedFor is the choice for one workload.
type selectedFor struct {
	Workload string `json:"workload"`
	Backend  string `json:"backend"` // empty if none could be selected
	Why      string `json:"why"`
}

type backendLine struct {
	Name        string   `json:"name"`
	What        string   `json:"what"`
	Streams     int      `json:"streams"`
	SelfTest    string   `json:"self_test"` // "ok", or what is wrong
	Selected    bool     `json:"selected"`
	SelectedFor []string `json:"selected_for"` // workloads
	// PacketUS is what the selection measured, by workload: microseconds for 1400 bytes.
	PacketUS map[string]float64 `json:"packet_us"`
}

// missingBackend is one that cannot run here.
type missingBackend struct {
	Name string `json:"name"`
	What string `json:"what"`
	Why  string `json:"why"`
}

const selfTestOK = "ok"

func listBackends(all bool) backendList {
	selected, why := arc4.Selected()
	list := backendList{Why: why, Backends: []backendLine{}}
	if selected != nil {
		list.Selected = selected.Name()
	}
	selections := arc4.Selections()
	for _, s := range selections {
		line := selectedFor{Workload: s.Workload.String(), Why: s.Why}
		if s.Backend != nil {
			line.Backend = s.Backend.Name()
		}
		list.Selections = append(list.Selections, line)
	}
	for _, b := range arc4.Backends() {
		list.Backends = append(list.Backends, lineOf(b, selections))
	}
	for _, b := range arc4.Known() {
		if why := b.Missing(); all && why != "" {
			list.Missing = append(list.Missing, missingBackend{Name: b.Name(), What: b.Describe(), Why: why})
		}
	}
	return list
}

// lineOf is what there is to say of one backend.
func lineOf(b *arc4.Backend, selections []arc4.Selection) backendLine {
	line := backendLine{
		Name: b.Name(), What: b.Describe(), Streams: b.Streams(), SelfTest: selfTestOK,
		SelectedFor: []string{}, PacketUS: map[string]float64{},
	}
	if err := b.SelfTest(); err != nil {
		line.SelfTest = err.Error()
	}
	for _, s := range selections {
		if s.Backend == b {
			line.Selected = true
			line.SelectedFor = append(line.SelectedFor, s.Workload.String())
		}
		for _, t := range s.Times {
			if t.Backend == b {
				line.PacketUS[s.Workload.String()] = float64(t.Time) / float64(time.Microsecond)
			}
		}
	}
	return line
}

// rate is the measured speed for a workload in MB/s.
func (l backendLine) rate(w arc4.Workload) string {
	us := l.PacketUS[w.String()]
	if us == 0 {
		return "-"
	}
	return strconv.FormatFloat(arc4.MeasuredBytes/us, 'f', 0, 64)
}

func (l backendList) writeTable(out io.Writer) error {
	rows := [][]string{{"NAME", "STREAMS", "SELF-TEST", "STREAM", "PACKET", "PACKETS", "SELECTED FOR", "WHAT IT IS"}}
	measured := false
	for _, b := range l.Backends {
		test, selected := selfTestOK, "-"
		if b.SelfTest != selfTestOK {
			test = "FAILED"
		}
		if b.Selected {
			selected = strings.Join(b.SelectedFor, ", ")
		}
		measured = measured || len(b.PacketUS) > 0
		rows = append(rows, []string{b.Name, strconv.Itoa(b.Streams), test,
			b.rate(arc4.Stream), b.rate(arc4.Packet), b.rate(arc4.Packets), selected, b.What})
	}
	if _, err := io.WriteString(out, report.Columns(rows)); err != nil {
		return err
	}
	if measured {
		fmt.Fprintf(out, "\nSTREAM, PACKET and PACKETS are MB/s on %d bytes at a time: with one key, a new key each, and new keys in batches.\n", arc4.MeasuredBytes)
	}
	if err := l.writeMissing(out); err != nil {
		return err
	}
	name := l.Selected
	if name == "" {
		name = "none"
	}
	_, err := fmt.Fprintf(out, "\nselected: %s (%s)\n", name, l.Why)
	return err
}

func (l backendList) writeMissing(out io.Writer) error {
	if len(l.Missing) == 0 {
		return nil
	}
	rows := [][]string{{"NOT HERE", "WHY", "WHAT IT IS"}}
	for _, b := range l.Missing {
		rows = append(rows, []string{b.Name, b.Why, b.What})
	}
	_, err := io.WriteString(out, "\n"+report.Columns(rows))
	return err
}

func (l backendList) writeJSON(out io.Writer) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(l)
}

// keep writes what was selected into a file.
func (l backendList) keep(path string) error {
	key, err := backendcache.Here(versionString())
	if err != nil {
		return fmt.Errorf("--backend-cache %s: cannot tell this machine from another: %w", path, err)
	}
	if err := backendcache.Store(path, key, l.Selected); err != nil {
		return fmt.Errorf("--backend-cache %w", err)
	}
	return nil
}

// err says which self-tests failed, or that nothing could be selected.
func (l backendList) err() error {
	for _, b := range l.Backends {
		if b.SelfTest != selfTestOK {
			return fmt.Errorf("backend %s failed its self-test: %s", b.Name, b.SelfTest)
		}
	}
	if l.Selected == "" {
		return fmt.Errorf("no backend selected: %s", l.Why)
	}
	return nil
}
