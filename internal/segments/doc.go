// Package segments joins TCP segments to large ones and takes large ones apart, as the virtio
// header says that lies before every packet of a TUN device with IFF_VNET_HDR (struct
// virtio_net_hdr of linux/virtio_net.h).
//
// The TUN of WireGuard does the same. This is for processors of 32 bits, where that takes 26,000
// instructions a packet: it adds 64-bit numbers for the checksums and hashes flows, it copies what
// it joins and what it takes apart, and it clears the room for a copy first. Here a packet is
// written from where it lies and read to where it will lie, and sums are ippkt's.
package segments
