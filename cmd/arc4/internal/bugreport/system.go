package bugreport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// mostOfCommand bounds what a command may take.
const mostOfCommand = 10 * time.Second

// Run is what a command writes. One that is not there is no news.
func Run(ctx context.Context, name string, args ...string) ([]byte, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, fmt.Errorf("%s is not here", name)
	}
	ctx, cancel := context.WithTimeout(ctx, mostOfCommand)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return out, fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(said.String()))
	}
	return out, nil
}

// networkTells is what addresses and routes tell.
const networkTells = "addresses of this machine and its network"

// mostOfFile is how much is taken of a file of the system, in bytes.
const mostOfFile = 256 << 10

// System adds what the machine is and how its network is set up, as far as this user may see it;
// devices are those of the tunnels.
func (r *Report) System(ctx context.Context, devices []string) {
	r.addFile("system/os-release", "/etc/os-release")
	r.addFile("system/kernel", "/proc/version")
	r.addFile("system/meminfo", "/proc/meminfo")
	r.addFile("system/uptime", "/proc/uptime")
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		first, _, _ := bytes.Cut(text, []byte("\n\n"))
		r.Add("system/cpuinfo", "", fmt.Appendf(first, "\nprocessors: %d\n", bytes.Count(text, []byte("\nprocessor"))+1), nil)
	}
	r.modules()
	r.sysctls(devices)
	for _, name := range []string{"dev", "snmp", "netstat", "raw", "sockstat", "softnet_stat"} {
		r.addFile("network/proc-net-"+name, "/proc/net/"+name)
	}
	r.addTelling("network/resolv.conf", networkTells, "/etc/resolv.conf")
	text, err := kernelNetwork()
	r.Add("network/kernel.txt", networkTells, text, err)
	for name, args := range map[string][]string{
		"addresses": {"-d", "address"}, "routes": {"route", "show", "table", "all"}, "routes6": {"-6", "route", "show", "table", "all"},
		"rules": {"rule"}, "rules6": {"-6", "rule"},
	} {
		out, err := Run(ctx, "ip", args...)
		r.Add("network/ip-"+name+".txt", networkTells, out, err)
	}
	r.nftables(ctx)
}

func (r *Report) addFile(name, path string) { r.addTelling(name, "", path) }

func (r *Report) addTelling(name, tells, path string) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return // there is none on this system
	}
	r.Add(name, tells, text[:min(len(text), mostOfFile)], err)
}

// modules adds those of the kernel's modules that tunnels and NATs for them need.
func (r *Report) modules() {
	text, err := os.ReadFile("/proc/modules")
	if err != nil {
		return
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(line, " ")
		if slices.ContainsFunc([]string{"tun", "ppp", "pptp", "gre", "nf_", "nft_", "veth", "xsk", "arc4"}, func(part string) bool { return strings.Contains(name, part) }) {
			lines = append(lines, line)
		}
	}
	r.Add("system/modules", "", []byte(strings.Join(lines, "")), nil)
}

// sysctls adds the settings of the kernel that decide what becomes of a tunnel's packets.
func (r *Report) sysctls(devices []string) {
	names := []string{
		"net.ipv4.ip_forward", "net.ipv4.ip_no_pmtu_disc", "net.ipv4.tcp_mtu_probing", "net.ipv4.tcp_congestion_control",
		"net.ipv6.conf.all.disable_ipv6", "net.core.rmem_max", "net.core.wmem_max", "net.core.netdev_max_backlog",
		"net.netfilter.nf_conntrack_helper", "net.netfilter.nf_conntrack_count", "net.netfilter.nf_conntrack_max",
	}
	for _, device := range append([]string{"all", "default"}, devices...) {
		names = append(names, "net.ipv4.conf."+device+".rp_filter", "net.ipv4.conf."+device+".src_valid_mark", "net.ipv4.conf."+device+".forwarding")
	}
	var b bytes.Buffer
	for _, name := range names {
		// A device may have a dot in its name, the settings before it have none.
		path := filepath.Join("/proc/sys", strings.ReplaceAll(name, ".", "/"))
		if text, err := os.ReadFile(path); err == nil {
			fmt.Fprintf(&b, "%s = %s", name, text)
		}
	}
	r.Add("system/sysctl", "", b.Bytes(), nil)
}

// ownTable is how the names of this program's tables of nftables begin.
const ownTable = "arc4"

// nftables adds the names of all tables, and what is in ours.
func (r *Report) nftables(ctx context.Context) {
	tables, err := Run(ctx, "nft", "list", "tables")
	r.Add("network/nft-tables.txt", "", tables, err)
	for line := range strings.Lines(string(tables)) {
		words := strings.Fields(line) // table FAMILY NAME
		if len(words) == 3 && strings.HasPrefix(words[2], ownTable) {
			rules, err := Run(ctx, "nft", "list", "table", words[1], words[2])
			r.Add("network/nft-"+words[2]+".txt", networkTells, rules, err)
		}
	}
}
