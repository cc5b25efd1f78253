package capture

import (
	"sync"

	"github.com/arc4tun/arc4tun/tunnel/netdev"
)

// devices are those that stand before a device. A tunnel compares the device it gets with the one
// it has: the same one gets the same again.
type devices struct {
	mu   sync.Mutex
	of   netdev.Device
	last *device
}

// Device gives a device that does all that dev does, and whose packets are captured. Packets are
// shown as they are in the kernel, before and after anything that the tunnel changes in them.
func (c *Capture) Device(dev netdev.Device) netdev.Device {
	if dev == nil {
		return nil
	}
	c.devices.mu.Lock()
	defer c.devices.mu.Unlock()
	if c.devices.of != dev {
		c.devices.of, c.devices.last = dev, &device{dev, c}
	}
	return c.devices.last
}

type device struct {
	netdev.Device
	c *Capture
}

func (d *device) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	n, err := d.Device.Read(bufs, sizes, offset)
	if n > 0 {
		now := d.c.cfg.now()
		for i := range n {
			d.c.add(onInner, true, now, bufs[i][offset:offset+sizes[i]], nil)
		}
	}
	return n, err
}

func (d *device) Write(bufs [][]byte, offset int) (int, error) {
	now := d.c.cfg.now()
	for _, b := range bufs {
		d.c.add(onInner, false, now, b[offset:], nil) // before the device joins them in place
	}
	return d.Device.Write(bufs, offset)
}

// JoinsInPlace and Waiting are what some devices have besides.
func (d *device) JoinsInPlace() bool {
	j, ok := d.Device.(interface{ JoinsInPlace() bool })
	return ok && j.JoinsInPlace()
}

func (d *device) Waiting() bool {
	w, ok := d.Device.(interface{ Waiting() bool })
	return ok && w.Waiting()
}
