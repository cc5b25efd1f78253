package soak

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// memoryPressure makes memory short: the garbage collector works all the time, since its limit is
// what is in use already, and blocks of memory come and go.
type memoryPressure struct {
	stop chan struct{}
	work sync.WaitGroup

	percent int
	limit   int64
}

// pressureBlock is what comes and goes at a time.
const pressureBlock = 256 << 10

func (p *memoryPressure) begin() {
	if p.stop != nil {
		return
	}
	p.percent = debug.SetGCPercent(5)
	p.limit = debug.SetMemoryLimit(int64(inUse()))
	p.stop = make(chan struct{})
	stop := p.stop
	p.work.Go(func() {
		var kept [16][]byte
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			kept[i%len(kept)] = make([]byte, pressureBlock)
			kept[i%len(kept)][i%pressureBlock] = 1
			if i%8 == 0 {
				runtime.GC()
			}
		}
	})
}

func (p *memoryPressure) end() {
	if p.stop == nil {
		return
	}
	close(p.stop)
	p.work.Wait()
	p.stop = nil
	debug.SetMemoryLimit(p.limit)
	debug.SetGCPercent(p.percent)
}

// inUse is what the process has of the system, in bytes, without what it has given back.
func inUse() uint64 {
	m := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(m)
	return m[0].Value.Uint64() - m[1].Value.Uint64()
}
