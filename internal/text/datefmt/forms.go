package datefmt

import "strings"

// forms are the ways in which logs write a date and a time of day. They are
// written with Java's letters, as Sumo Logic lists them, and with these besides:
//
//	xx   the day or the month: the other xx is the other
//	k    klog's level: I, W, E, F or D
//	*    one character or none, or what stands between two columns for a date and
//	     a time: "," or " time=" or ","time":"
//
// A blank is one blank or more. Days, months and hours of one digit are taken
// where a separator follows. What may come after the seconds is the same for all
// of them and is not written here: a fraction, AM or PM, a zone, and after a date
// without a year the year.
//
// Of forms that fit at one place the first counts.
// Source: Sumo Logic, "Timestamps, Time Zones, Time Ranges, and Date Formats";
// for the others the products named.
var forms = compileForms(
	"yyyy-MM-dd*HH:mm:ss",  // ISO 8601, RFC 5424, Log4j, Python, PostgreSQL, IIS
	"yyyy-MM-dd*HH-mm-ss",  // Zeek's #open
	"yyyy-MM-dd*HH.mm.ss",  // Db2
	"yyyy-MM-dd*HH:mm",     //
	"yyyy:MM:dd*HH:mm:ss",  // Sophos UTM, EXIF
	"yyyy/MM/dd*HH:mm:ss",  // nginx, Go, Palo Alto
	"yyyy/MM/dd*HH:mm",     //
	"yyyy.MM.dd*HH.mm.ss",  //
	"yyyy.MM.dd*HH:mm:ss",  // MetaTrader, Windows set to Hungarian or Korean
	"yyyy MMM dd HH:mm:ss", //
	"yyyy-MMM-dd*HH:mm:ss", // Cisco NX-OS exports
	"yyyy/MMM/dd*HH:mm:ss", //
	"yyyy-DDD*HH:mm:ss",    // ISO 8601, day of the year
	"yyyyDDDTHHmmss",       //
	"yyyy-Www-e*HH:mm:ss",  // ISO 8601, week and day of the week
	"yyyyWwweTHHmmss",      //
	"yyyyMMdd*HH:mm:ss",    //
	"yyyyMMddTHHmmss",      // ISO 8601 basic
	"yyyyMMdd HHmmss",      //
	"yyyyMMdd-HHmmss",      //
	"yyyyMMdd_HHmmss",      //
	"yyyyMMddHHmmss",       // LDAP, WMI
	"yyyyMMddHHmmssSSS",    //
	"yyMMdd HH:mm:ss",      // MySQL before 5.7
	"MMdd_HH:mm:ss",        //
	"kMMdd HH:mm:ss",       // klog and glog: Kubernetes
	"kyyyyMMdd HH:mm:ss",   // glog with a year
	"dd/MMM/yyyy*HH:mm:ss", // Apache, HAProxy, S3
	"dd-MMM-yyyy*HH:mm:ss", // BIND, Tomcat
	"dd MMM yyyy*HH:mm:ss", // RFC 2822, Redis
	"dd. MMM yyyy HH:mm:ss",
	"dd MMM yyyy HH:mm",
	"ddMMMyyyy*HH:mm:ss", // Check Point
	"dd-MMM-yy HH:mm:ss", //
	"dd-MMM-yy HH.mm.ss", // Oracle
	"dd/MMM HH:mm:ss",    //
	"dd MMM HH:mm:ss",    // Redis before 3
	"dd MMM yy HH:mm",    // RFC 822
	"MMM dd, yyyy*HH:mm:ss",
	"MMM dd, yyyy*HH:mm",
	"MMM dd yyyy*HH:mm:ss", // Cisco ASA, ArcSight
	"MMM-dd-yyyy*HH:mm:ss", //
	"MMM dd HH:mm:ss",      // RFC 3164, ctime, Apache's error log, Cisco IOS
	"xx/xx/yyyy*HH:mm:ss",  // Windows
	"xx/xx/yyyy*HH:mm",     //
	"xx-xx-yyyy*HH:mm:ss",  //
	"xx-xx-yyyy*HH:mm",     //
	"xx.xx.yyyy*HH:mm:ss",  // Windows set to German
	"xx.xx.yyyy*HH:mm",     //
	"xx/xx/yy*HH:mm:ss",    // Windows DHCP server
	"xx.xx.yy*HH:mm:ss",    //
	"yy-MM-dd*HH:mm:ss",    //
	"MM/dd-HH:mm:ss",       // Snort
	"HH:mm:ss",             //
)

// timeLetters are the letters of forms that stand for digits.
const timeLetters = "yMdxHmsSDwe"

// form is a compiled way to write a time.
type form struct {
	text  string
	steps []step
	bare  bool // it has no date
}

// step reads one thing. op is the letter that a form has for it, or 0 for the
// character lit; digits are at least min and at most max.
type step struct {
	op       byte
	lit      byte
	min, max int
}

// formTable finds forms by what a text begins with.
type formTable struct {
	all     []form
	byRun   [20][classes][]*form // digits, by how many and by what follows them
	byMonth []*form              // a month's name
	byLevel []*form              // klog's letter
}

func compileForms(texts ...string) *formTable {
	t := &formTable{}
	for _, text := range texts {
		t.all = append(t.all, compileForm(text))
	}
	for i := range t.all {
		f := &t.all[i]
		switch first := f.steps[0]; first.op {
		case 'N':
			t.byMonth = append(t.byMonth, f)
		case 'k':
			t.byLevel = append(t.byLevel, f)
		default:
			least, most := 0, 0 // of the digits that a text begins with
			for _, s := range f.steps {
				if s.max == 0 || s.op == 'N' {
					break
				}
				least, most = least+s.min, most+s.max
			}
			for n := least; n <= most; n++ {
				for c := range t.byRun[n] {
					if f.follows(c) {
						t.byRun[n][c] = append(t.byRun[n][c], f)
					}
				}
			}
		}
	}
	return t
}

// classes are what may follow the digits that a text begins with: a separator
// by itself, a blank, a letter, or something else.
const classes = 8

const (
	classOther = iota
	classBlank
	classLetter
	classMarks // and on: those of separators
)

const separators = "-/.:_"

var classOf = func() (t [256]uint8) {
	for c := range t {
		switch i := strings.IndexByte(separators, byte(c)); {
		case i >= 0:
			t[c] = uint8(classMarks + i)
		case c == ' ' || c == '\t':
			t[c] = classBlank
		case isLetter(byte(c)) || c >= 0x80:
			t[c] = classLetter
		}
	}
	return t
}()

// follows reports whether a character of a class may follow the digits that a
// form begins with.
func (f *form) follows(class int) bool {
	for _, s := range f.steps {
		switch {
		case s.op == 'N':
			return class == classLetter
		case s.op == ' ':
			return class == classBlank
		case s.op == '*':
			return true
		case s.op == 0:
			return class == int(classOf[s.lit])
		}
	}
	return true // digits to its end
}

func compileForm(text string) form {
	f := form{text: text, bare: strings.HasPrefix(text, "HH")}
	for i := 0; i < len(text); {
		c, j := text[i], i
		for j < len(text) && text[j] == c {
			j++
		}
		n := j - i
		switch {
		case c == 'M' && n == 3:
			f.steps = append(f.steps, step{op: 'N'})
		case strings.IndexByte(timeLetters, c) >= 0:
			s := step{op: c, min: n, max: n}
			// Digits that no separator follows, or precedes, are as many as the
			// letters; minutes and seconds always are.
			joined := i > 0 && strings.IndexByte(timeLetters+"k", text[i-1]) >= 0 || j < len(text) && strings.IndexByte(timeLetters+"k", text[j]) >= 0
			if strings.HasPrefix(text[j:], "MMM") {
				joined = false
			}
			if n == 2 && !joined && strings.IndexByte("MdxH", c) >= 0 {
				s.min = 1
			}
			f.steps = append(f.steps, s)
		case c == 'k', c == '*', c == ' ':
			f.steps = append(f.steps, step{op: c})
		default:
			f.steps = append(f.steps, step{lit: c})
			j = i + 1
		}
		i = j
	}
	return f
}

// monthNames are the names and short names of months by their first letter in
// lower case, English and German.
var monthNames = func() (m [256][]monthName) {
	for i, names := range []string{
		"jan january januar", "feb february februar", "mar march mär märz mrz", "apr april", "may mai", "jun june juni", "jul july juli",
		"aug august", "sep sept september", "oct october okt oktober", "nov november", "dec december dez dezember",
	} {
		for _, n := range strings.Fields(names) {
			m[n[0]] = append(m[n[0]], monthName{n, i + 1})
		}
	}
	return m
}()

type monthName struct {
	text  string
	month int
}

// monthAt reads the name of a month; n is its length, 0 where there is none.
func monthAt(text []byte, i int) (month, n int) {
	if i+3 > len(text) || !mayBeMonth[text[i]] {
		return 0, 0
	}
	second := text[i+1] | 0x20
	if text[i+1] >= 0x80 {
		second = text[i+1]
	}
	for _, name := range monthNames[text[i]|0x20] {
		if name.text[1] != second {
			continue
		}
		l := len(name.text)
		if l < n || i+l > len(text) || !sameFold(text[i:i+l], name.text) {
			continue
		}
		if i+l < len(text) && (isLetter(text[i+l]) || text[i+l] >= 0x80) {
			continue
		}
		month, n = name.month, l
	}
	if n > 0 && i+n < len(text) && text[i+n] == '.' { // Sept.
		n++
	}
	return month, n
}

// sameFold compares with a text in lower case.
func sameFold(b []byte, lower string) bool {
	for i := range b {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// mayBeMonth are the first letters of months.
var mayBeMonth = func() (t [256]bool) {
	for _, c := range "jfmasond" {
		t[c], t[c-0x20] = true, true
	}
	return t
}()

func isDigit(c byte) bool  { return c-'0' < 10 }
func isLetter(c byte) bool { c |= 0x20; return 'a' <= c && c <= 'z' }
func isAlnum(c byte) bool  { return isDigit(c) || isLetter(c) }
