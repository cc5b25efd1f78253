// Package capturefile reads and writes the files of tcpdump and Wireshark, pcap and pcapng, as far
// as IP packets are concerned. github.com/gopacket/gopacket knows the formats and what lies below
// IP; what it does not bound, and a file could make it hold, is bounded here.
package capturefile
