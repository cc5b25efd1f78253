package lab

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"
)

// Probe describes a steady run of small UDP packets, whose one-way delay is
// measured: both hosts have the same clock.
type Probe struct {
	Path     Path
	Upload   bool          // from the client to the server
	Duration time.Duration // of the sending
	Interval time.Duration // between two packets; 0: ProbeInterval
	Bytes    int           // of UDP payload; 0: ProbeBytes
}

// What a Probe that does not say it is made of.
const (
	ProbeInterval = time.Millisecond
	ProbeBytes    = 200
)

// probeHeader is what a probe carries: its number and when it was sent, 8 bytes each.
const probeHeader = 16

// straggle is how long after the last probe one may still arrive and count.
const straggle = 500 * time.Millisecond

// Delays are the one-way delays of the probes that arrived.
type Delays struct {
	Sent       int
	Received   int             // each probe once
	Duplicated int             // that came again
	Overtaken  int             // that came after one sent later
	OneWay     []time.Duration // of those received, in ascending order
}

// Quantile gives the delay that the share q of the probes, 0 to 1, did not exceed;
// 0 when none arrived.
func (d *Delays) Quantile(q float64) time.Duration {
	if len(d.OneWay) == 0 {
		return 0
	}
	return d.OneWay[min(max(0, int(q*float64(len(d.OneWay)))), len(d.OneWay)-1)]
}

// MeasureDelay sends probes and says how long each was under way. The error is
// ctx's when that ends first.
func (l *Lab) MeasureDelay(ctx context.Context, p Probe) (Delays, error) {
	if p.Interval <= 0 {
		p.Interval = ProbeInterval
	}
	if p.Bytes < probeHeader {
		p.Bytes = ProbeBytes
	}
	if _, _, ok := l.Snapshots(); !ok && p.Path == Tunnel {
		return Delays{}, fmt.Errorf("lab: probe: %w", errNoTunnel)
	}
	from := server
	if p.Upload {
		from = client
	}
	source, err := l.net.packets(from, p.Path)
	if err != nil {
		return Delays{}, fmt.Errorf("lab: probe: %w", err)
	}
	defer source.Close()
	sink, err := l.net.packets(from.other(), p.Path)
	if err != nil {
		return Delays{}, fmt.Errorf("lab: probe: %w", err)
	}
	defer sink.Close()
	stop := context.AfterFunc(ctx, func() { source.Close(); sink.Close() })
	defer stop()

	epoch := time.Now()
	sent := make(chan int, 1)
	go func() { sent <- sendProbes(ctx, source, sink.LocalAddr(), p, epoch) }()
	last := epoch.Add(p.Duration + straggle + l.download.Delay + l.upload.Delay + l.download.Jitter + l.upload.Jitter)
	d, err := receiveProbes(sink, epoch, last, int(p.Duration/p.Interval)+1)
	d.Sent = <-sent
	if ctx.Err() != nil {
		return Delays{}, ctx.Err()
	}
	if err != nil {
		return Delays{}, fmt.Errorf("lab: probe: %w", err)
	}
	return d, nil
}

// sendProbes sends one probe an interval and returns how many it sent. A probe
// that the system refuses is lost, as on any network.
func sendProbes(ctx context.Context, c net.PacketConn, to net.Addr, p Probe, epoch time.Time) (sent int) {
	buf := make([]byte, p.Bytes)
	tick := time.NewTicker(p.Interval)
	defer tick.Stop()
	for time.Since(epoch) < p.Duration && ctx.Err() == nil {
		binary.BigEndian.PutUint64(buf, uint64(sent))
		binary.BigEndian.PutUint64(buf[8:], uint64(time.Since(epoch)))
		_, _ = c.WriteTo(buf, to)
		sent++
		<-tick.C
	}
	return sent
}

// receiveProbes takes probes until last, or until most of them have come.
func receiveProbes(c net.PacketConn, epoch, last time.Time, most int) (d Delays, err error) {
	if err := c.SetReadDeadline(last); err != nil {
		return d, err
	}
	seen := make([]bool, most)
	newest := uint64(0)
	buf := make([]byte, 2048)
	for d.Received < most {
		n, _, err := c.ReadFrom(buf)
		if err != nil {
			if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
				break
			}
			return d, err
		}
		delay := time.Since(epoch)
		if n < probeHeader {
			continue
		}
		number := binary.BigEndian.Uint64(buf)
		if number >= uint64(most) {
			continue
		}
		if seen[number] {
			d.Duplicated++
			continue
		}
		seen[number] = true
		if number < newest {
			d.Overtaken++
		}
		newest = max(newest, number)
		d.Received++
		d.OneWay = append(d.OneWay, delay-time.Duration(binary.BigEndian.Uint64(buf[8:])))
	}
	slices.Sort(d.OneWay)
	return d, nil
}
