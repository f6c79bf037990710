package match

import (
	"math/bits"
	"strings"
	"sync"
)

// sample stands for the text that is searched: a made-up event or two as
// collectors write them. What is common in it is a poor thing to look for:
// "oper" of opera.exe stands in the channel name of every Sysmon event.
const sample = `{"EventID": "1", "Provider": "Microsoft-Windows-Sysmon", "Channel": "Microsoft-Windows-Sysmon/Operational", ` +
	`"Computer": "WS-01.corp.example.com", "SystemTime": "2024-05-14T08:31:07.2310000Z", "EventRecordID": "48213", ` +
	`"ExecutionProcessID": "2280", "ExecutionThreadID": "3416", "UserID": "S-1-5-18", "UtcTime": "2024-05-14 08:31:07.229", ` +
	`"ProcessGuid": "{5B0E7A3C-214B-6643-9D01-000000001F00}", "ProcessId": "6204", "RuleName": "-", ` +
	`"Image": "C:\\Windows\\System32\\svchost.exe", "FileVersion": "10.0.19041.1 (WinBuild.160101.0800)", ` +
	`"Description": "Host Process for Windows Services", "Product": "Microsoft Windows Operating System", "Company": "Microsoft Corporation", ` +
	`"OriginalFileName": "svchost.exe", "CommandLine": "C:\\Windows\\system32\\svchost.exe -k netsvcs -p -s Schedule", ` +
	`"CurrentDirectory": "C:\\Windows\\system32\\", "User": "NT AUTHORITY\\SYSTEM", "LogonGuid": "{5B0E7A3C-2146-6643-E703-000000000000}", ` +
	`"LogonId": "0x3e7", "TerminalSessionId": "0", "IntegrityLevel": "System", ` +
	`"Hashes": "SHA1=9C3F6A7D20B8E154F36D9BA8C7E21504D3F8A6B9,MD5=E4D909C290D0FB1CA068FFADDF22CBD0,SHA256=7D1A54127B222502F5B79B5FB0803061152A44F92B37E23C6527BAF665D4DA9A", ` +
	`"ParentProcessGuid": "{5B0E7A3C-2146-6643-0B00-000000001F00}", "ParentProcessId": "812", "ParentImage": "C:\\Windows\\System32\\services.exe", ` +
	`"ParentCommandLine": "C:\\Windows\\system32\\services.exe", "TargetFilename": "C:\\Users\\alice\\AppData\\Local\\Microsoft\\Windows\\Explorer\\thumbcache.db", ` +
	`"TargetObject": "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run", "Details": "DWORD (0x00000001)", "ImageLoaded": "C:\\Program Files (x86)\\Common Files\\kernel32.dll", ` +
	`"SourceIp": "10.0.2.15", "DestinationIp": "172.16.4.1", "DestinationPort": "443", "Protocol": "tcp", "Signed": "true", "Status": "Valid", ` +
	`"GrantedAccess": "0x1010", "QueryName": "www.example.com", "Message": "The user logged on to the account https://www.example.com/index.html"}` + "\n"

// sampleAt is where each byte stands in the sample.
var sampleAt = sync.OnceValue(func() (at [256][]int) {
	for i := range len(sample) {
		at[sample[i]] = append(at[sample[i]], i)
	}
	return at
})

var sampleFolded = Fold(sample)

// sampleGrams has a bit for the hash of each gram of the sample.
var sampleGrams = func() (set [1 << 16 / 64]uint64) {
	for i := range len(sampleFolded) - gramBytes + 1 {
		h := gramHash(gramOf(sampleFolded[i:])) >> 16
		set[h>>6] |= 1 << (h & 63)
	}
	return set
}()

// gramRate guesses how often a folded gram is met, for choosing between grams.
func gramRate(gram uint32) float64 {
	p := commonness(byte(gram)) * commonness(byte(gram>>8)) * commonness(byte(gram>>16)) * commonness(byte(gram>>24))
	if h := gramHash(gram) >> 16; sampleGrams[h>>6]>>(h&63)&1 != 0 {
		p++
	}
	return p
}

// frequency is how often each byte stands in the sample, never 0.
var frequency = func() (f [256]float64) {
	for i := range f {
		f[i] = 0.05
	}
	for i := range len(sample) {
		f[sample[i]]++
		if u := sample[i] ^ 0x20; lower[u] == lower[sample[i]] {
			f[u] += 0.1 // the other case of a letter is met elsewhere
		}
	}
	for i := range f {
		f[i] /= float64(len(sample))
	}
	return f
}()

// commonness orders bytes by how often they are met, letter case aside.
func commonness(c byte) float64 {
	if u := upper(c); u != c {
		return frequency[u] + frequency[c]
	}
	return frequency[c]
}

// often is how likely some place of a text is to hold one of the bytes.
func (b *Bytes) often() (p float64) {
	for w, word := range b {
		for ; word != 0; word &= word - 1 {
			p += frequency[w*64+bits.TrailingZeros64(word)]
		}
	}
	return min(p, 1)
}

// Rate guesses how often per byte of text a literal is met, letter case aside:
// of several that may be looked for, the one with the least is the best.
func Rate(literal string) float64 { return rate(Fold(literal)) }

// inSample reports whether a folded literal stands in the sample. Of most its
// grams tell.
func inSample(folded string) bool {
	for i := range len(folded) - gramBytes + 1 {
		if h := gramHash(gramOf(folded[i:])) >> 16; sampleGrams[h>>6]>>(h&63)&1 == 0 {
			return false
		}
	}
	return strings.Contains(sampleFolded, folded)
}

// rate guesses how often per byte of text a folded literal is met, for choosing
// between literals: a quarter for every byte of its own, and what stands in the
// sample is met in every event.
func rate(folded string) float64 {
	if inSample(folded) {
		return 1 / float64(8+len(folded)) // still: the longer the better
	}
	p := 1.0
	for range min(len(folded), 24) {
		p /= 4
	}
	return p
}
