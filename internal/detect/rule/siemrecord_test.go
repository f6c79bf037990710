package rule_test

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/fn"
	"github.com/gyoji-dev/gyoji/internal/engine/lookup"
	"github.com/gyoji-dev/gyoji/internal/sharedtest"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/siem"
)

// lowered is an expression over records and the layout of these.
func lowered(t testing.TB, text string, with *lookup.Feed) (expr.Expr, *event.Layout, diag.List) {
	t.Helper()
	x, ds := siem.Parse(diag.Text("expression", text))
	if ds.HasErrors() {
		t.Fatalf("%s: %v", text, ds)
	}
	l := event.NewLayout()
	cond, ds := rule.LowerSIEM(x, rule.WithIndicators(rule.RecordAttributes(l), with))
	return cond, l, ds
}

// recordValue computes an expression for a record.
func recordValue(t testing.TB, text string, attributes map[string]event.Value, with *lookup.Feed) event.Value {
	t.Helper()
	cond, l, ds := lowered(t, text, with)
	if ds.HasErrors() {
		t.Fatalf("%s: %v", text, ds)
	}
	var b event.Batch
	row := b.AddRow(0, 0)
	for name, v := range attributes {
		b.Col(l.Exact(name)).Set(row, v)
	}
	return expr.Compile(cond).Open(&expr.Env{}).Value(&b, row)
}

var someRecord = map[string]event.Value{
	"user_username": event.Text("Bob"), "srcPort": event.Int(445), "success": event.Bool(false), "severity": event.Text("7"),
	"listMatches":                   event.List(`["vuln scanners", "column:SourceIp"]`),
	"http_requestHeaders":           event.Text(`{"User-Agent":"sumo logic","Cookie":["a=1","b=2"],"Empty":null}`),
	"fieldTags":                     event.Text(`{"user_username":["admin","team:red"]}`),
	"bro_smb_command":               event.Text(`{"name":"READ"}`),
	"fields.EventData.LogonType":    event.Text("3"),
	"fields.eventName":              event.Text("StopLogging"),
	"fields.foo":                    event.Text(`{"bar":{"baz":"6"},"list":["x","y"]}`),
	"fields.foo.bar":                event.Text(`{"baz":"7"}`),
	"fields.list":                   event.Text(`["x",{"y":1}]`),
	"fields.packetsSent":            event.Text("12"),
	"metadata_deviceEventId":        event.Text("2500000"),
	"commandLine":                   event.Text(`C:\\Temp\\é?x.exe`),
	"device_ip":                     event.Text("10.1.2.3"),
	"dns_queryDomain":               event.Text("a.b.evil.example"),
	"timestamp":                     event.Int(1_700_000_000_000),
	"http_url":                      event.Text("http://h/p"),
	"fields.finding.info.desc":      event.Text("d"),
	"fields.odd key":                event.Text("o"),
	"description":                   event.Text(""),
	"normalizedSeverity":            event.Int(0),
	"fields.EventData.TargetObject": event.Text(`HKLM\\X`),
}

// True and false of the record above, by the sections named.
func TestSIEMOverRecords(t *testing.T) {
	for text, want := range map[string]bool{
		`lower(user_username) = 'bob' AND fields['EventData.LogonType'] = 3`: true,
		// 4.3
		`!(null)`: true, `null = null`: false, `null < 10`: false, `null BETWEEN 1 and 10`: false, `1 BETWEEN null and 10`: false, `10 BETWEEN 1 and null`: false,
		`NOT (baseImage BETWEEN 1 AND 2)`: true, `baseImage NOT BETWEEN 1 AND 2`: true, `NOT contains(baseImage, 'a')`: true,
		`null IN ('a', 'b')`: false, `'foo' LIKE null`: false, `'foo' RLIKE null`: false, `null RLIKE '.*'`: false, `length(null) = 0`: true,
		`description IS NULL`: false, `isEmpty(description)`: true, `isNull(concat('a', baseImage))`: true, `baseImage <=> null`: true, `user_username <=> 'Bob'`: true,
		`baseImage IN ('a')`: false, `baseImage NOT IN ('a')`: true, `baseImage != 'a'`: false, `NOT baseImage = 'a'`: true,
		// 4.4
		`severity > '6'`: true, `srcPort = '445'`: true, `srcPort = 445`: true, `srcPort == '445'`: false, `srcPort IN ('445')`: true, `srcPort IN (80, 445)`: true,
		`success = 'FALSE'`: true, `success == false`: true, `success = false`: true, `NOT success`: true,
		`metadata_deviceEventId BETWEEN '2000000' AND '2999999'`: true, `'4' = '4.0'`: false, `'4' <= '4.0'`: true, `5 > 'x'`: false, `5 != 'x'`: true,
		`severity = '7'`: true, `severity = '7.0'`: false, `severity = 7`: true, `severity IN ('7')`: true, `severity IN (7)`: true, `7 / 2 = 3.5`: true, `isNull(1 % 0)`: true,
		`normalizedSeverity = 0`: true, `normalizedSeverity`: false, `-srcPort = -445`: true, `srcPort + 1 = 446`: true,
		// 4.5 and 4.6
		`user_username LIKE 'B%'`: true, `user_username LIKE 'b%'`: false, `lower(user_username) LIKE lower('B_B')`: true, `user_username LIKE concat('B', '%')`: true,
		`user_username LIKE concat(substring(user_username, 0, 1), '%')`: true, `user_username RLIKE concat('^', user_username)`: true,
		`'%SystemDrive%\Users\John' like '\%SystemDrive\%\\Users%'`: true, `commandLine matches '*\é?x.exe'`: true, `commandLine matches '*é??.exe'`: true,
		`'a\b' LIKE 'a!\b' ESCAPE '!'`: true, `'a%b' LIKE 'a\%b' ESCAPE '!'`: false,
		// 4.7
		`listMatches[0] = 'vuln scanners'`: true, `listMatches[2] IS NULL`: true, `listMatches[-1] IS NULL`: true, `user_username[0] = 'Bob'`: true, `user_username[1] IS NULL`: true,
		`array_contains(listMatches, 'vuln_scanners')`: true, `array_contains(listMatches, 'vuln scanners')`: true, `array_contains(listMatches, 'vuln')`: false,
		`jsonArrayContains(listMatches, 'column:SourceIp')`: true, `size(listMatches) = 2`: true, `jsonArraySize(baseImage) = -1`: true, `size(user_username) = 1`: true, `size(null) = -1`: true,
		`array_contains(user_username, 'Bob')`: true, `array_contains(baseImage, 'a')`: false, `array_contains(srcPort, 445)`: true,
		`array_contains(fieldTags["user_username"], "admin")`: true, `array_contains(fieldTags["user_username"], "team:red")`: true, `array_contains(fieldTags['device_ip'], 'admin')`: false,
		`http_requestHeaders['User-Agent'] = 'sumo logic'`: true, `http_requestHeaders['Nope'] IS NULL`: true, `http_requestHeaders['Empty'] IS NULL`: true,
		`anyHttpHeaderMatches(http_requestHeaders, 'sumo.logic')`: true, `anyhttpheadermatches(http_requestHeaders, '^b=2$')`: true, `anyHttpHeaderMatches(http_requestHeaders, 'x')`: false, `anyHttpHeaderMatches(bro_http_response_headers, '')`: false,
		`bro_smb_command.name = 'READ'`: true, `bro_smb_command.path IS NULL`: true,
		// 2.4 and the json clauses of the product's documentation
		`fields.eventName = "StopLogging"`: true, `fields.foo.bar.baz = '7'`: true, `fields.foo.list[1] = 'y'`: true, `fields['foo']['list'][0] = 'x'`: true, `fields.list[1].y = 1`: true,
		`fields['finding.info.desc'] = 'd'`: true, `fields.finding.info.desc = 'd'`: true, "fields.`odd key` = 'o'": true, `fields['nope'] IS NULL`: true,
		`_raw['eventName'] = 'StopLogging'`: true, `fields['EventData.TargetObject'] LIKE 'HKLM\%'`: true,
		`| json field=fields "foo.bar['baz']" as nestedKey | where nestedKey = 7`:                                      true,
		`json field=fields "list[0]" as indexKey where indexKey = 'x'`:                                                 true,
		`json field=_raw "foo.list[*]" as all | where array_contains(all, 'y')`:                                        true,
		`json field=fields "['finding.info.desc']" as topLevelKey | where topLevelKey = 'd'`:                           true,
		`json field=fields "packetsSent" as a | json field=fields "packetsReceived" as b | where toInt(a) != toInt(b)`: false,
		`json field=fields "packetsSent", "eventName" as a, b | where toInt(a) > 5 AND b = 'StopLogging'`:              true,
		`json field=http_requestHeaders "['User-Agent']" as ua | where ua LIKE 'sumo%'`:                                true,
		`json field=fields 'nope' as n | where n IS NULL`:                                                              true,
		"`user_username`\u00a0= 'Bob'": true,
		`hasThreatMatch([device_ip])`:  false,
	} {
		if got := recordValue(t, text, someRecord, nil).True(); got != want {
			t.Errorf("%s is %v", text, got)
		}
	}
}

// The values are those of the product's documentation of its rules' functions, of
// section 4.8, and of Java for isNumeric.
func TestSIEMFunctions(t *testing.T) {
	for text, want := range map[string]string{
		`abs(-1.5)`: "1.5", `acos(1)`: "0", `asin(1)`: "1.5707963267948966", `atan(1)`: "0.7853981633974483", `atan2(0, -1)`: "3.141592653589793",
		`cbrt(8)`: "2", `ceil(1.5)`: "2", `ceil(-1.5)`: "-1", `cos(1)`: "0.5403023058681398", `cosh(1)`: "1.5430806348152437", `exp(0)`: "1",
		`expm1(0.1)`: "0.10517091807564763", `floor(1.5)`: "1", `floor(-1.5)`: "-2", `hypot(3, 4)`: "5", `log(2)`: "0.6931471805599453",
		`log10(2)`: "0.3010299956639812", `log1p(0.1)`: "0.09531017980432487", `round(1.5)`: "2", `round(1.549, 2)`: "1.55", `sin(1)`: "0.8414709848078965",
		`sinh(1)`: "1.1752011936438014", `sqrt(4)`: "2", `tan(1)`: "1.5574077246549023", `tanh(1)`: "0.7615941559557649", `toDegrees(asin(1))`: "90", `toRadians(180)`: "3.141592653589793",
		`haversine(39.04380, -77.48790, 45.73723, -119.81143)`: "3512.71",
		`toInt('12')`: "12", `int(-1.5)`: "-2", `toInt('9007199254740993')`: "9007199254740993", `toLong('12')`: "12", `num(' 9.5 ')`: "9.5", `double('1e3')`: "1000", `toFloat('2.5')`: "2.5", `number('x')`: "", `toString(5)`: "5",
		`decToHex("4919")`: "1337", `decToHex(-1)`: "FFFFFFFFFFFFFFFF", `hexToDec("0000000000001337")`: "4919", `hexToDec('FFFFFFFFFFFFFFFE')`: "-2",
		`asciiToHex('hello')`: "68656c6c6f", `toHex('hello')`: "68656c6c6f", `hexToAscii('68656c6c6f')`: "hello", `fromHex('68656c6c6f')`: "hello",
		`base64Encode('hello')`: "aGVsbG8=", `toBase64('hello')`: "aGVsbG8=", `base64Decode('aGVsbG8=')`: "hello", `fromBase64("aGVsbG8=")`: "hello",
		`compareCIDRPrefix("10.10.1.35", "10.10.1.100", "24")`: "true", `compareCIDRPrefix("10.10.1.35", "10.10.2.100", 24)`: "false", `getCIDRPrefix("10.10.1.35", "24")`: "10.10.1.0", `maskFromCIDR("30")`: "255.255.255.252", `ipv4ToNumber("127.0.0.1")`: "2130706433",
		`concat(1, "/", 1, "/", 2020)`: "1/1/2020", `contains('hello', 'ell')`: "true", `length("sumo logic")`: "10", `length('😀')`: "2", `trim("  Hello World  ")`: "Hello World",
		`substring("Hello world!", 6)`: "world!", `substring("Sumo Logic", 0, 4)`: "Sumo", `substring("Sumo Logic", 0, 100)`: "Sumo Logic", `substring('abc', 5)`: "", `toUpperCase('a')`: "A", `UPPER('a')`: "A", `ToLowerCase('A')`: "a",
		`urlencode("http://h/p?k=v&")`: "http%3A%2F%2Fh%2Fp%3Fk%3Dv%26", `urldecode("http%3A%2F%2Fh%2Fp%3Fk%3Dv%26")`: "http://h/p?k=v&",
		`luhn("6666-7777-6666-8888")`: "true", `luhn("0000000000000131")`: "false",
		`isNumeric('0x1F')`: "true", `isNumeric('017')`: "true", `isNumeric('09')`: "false", `isNumeric('1e5')`: "true", `isNumeric('123L')`: "true", `isNumeric('1.5L')`: "false", `isNumeric('')`: "false", `isNumeric('-1')`: "true", `isNumeric('1_000')`: "false",
		`isPrivateIP("192.168.0.1")`: "true", `isPrivateIP('8.8.8.8')`: "false", `isPrivateIP('x')`: "false", `isPublicIP("10.255.255.255")`: "false", `isPublicIP('127.0.0.1')`: "false", `isPublicIP('169.254.1.1')`: "false", `isPublicIP('8.8.8.8')`: "true", `isPublicIP('x')`: "false", `isPublicIP('fd00::1')`: "false", `isPublicIP('2606:4700::1111')`: "true",
		`isValidIP("10.255.255.255")`: "true", `isValidIP("127.0.500.1")`: "false", `isValidIPv4("10.10.10.10")`: "true", `isValidIPv6("10.10.10.10")`: "false", `isValidIPv6('::1')`: "true",
		`isBlank(' ')`: "true", `isEmpty(' ')`: "false", `isNull(null)`: "true", `if(1 = 1, if(1 = 2, 'a', 'b'), 'c')`: "b",
		`sqrt(-1)`: "", `log(0)`: "", `acos(2)`: "", `lower(null)`: "", `hypot(1, null)`: "",
	} {
		got := recordValue(t, text, nil, nil).String()
		a, err := strconv.ParseFloat(got, 64)
		b, err2 := strconv.ParseFloat(want, 64)
		if close := err == nil && err2 == nil && math.Abs(a-b) < 1e-15*math.Abs(b); got != want && !close {
			t.Errorf("%s is %q and not %q", text, got, want)
		}
	}
}

// Every function is known in every letter case, and null where section 4.3 has
// nothing else.
func TestSIEMFunctionsOfNull(t *testing.T) {
	other := map[string]string{
		"isNull": "true", "isEmpty": "true", "isBlank": "true", "length": "0", "jsonArraySize": "-1", "size": "-1", "jsonArrayContains": "false", "array_contains": "false",
		"contains": "false", "isNumeric": "false", "isValidIP": "false", "isValidIPv4": "false", "isValidIPv6": "false", "compareCIDRPrefix": "false",
	}
	for _, name := range fn.SIEMNames() {
		f := fn.SIEM(strings.ToUpper(name))
		args := strings.Repeat(", null", f.Min)[2:]
		if got := recordValue(t, name+"("+args+")", nil, nil).String(); got != other[name] {
			t.Errorf("%s(%s) is %q and not %q", name, args, got, other[name])
		}
	}
}

func TestSIEMRefusesOverRecords(t *testing.T) {
	for text, want := range map[string]string{
		`user_usernam = 'a'`:                                 "did you mean user_username?",
		`commandline = 'a'`:                                  "write commandLine",
		`fieldsTags['a'] = 'b'`:                              "fieldTags",
		`Fields['EventData.a'] = 1`:                          "write fields",
		`lower(http_method) IN (post,put)`:                   "'post'",
		`user_username + 1 = 2`:                              "num(user_username)",
		`'a' + 'b' = 'ab'`:                                   "concat",
		`fields[user_username] = 'a'`:                        "must be a text in quotes",
		`fields = 'a'`:                                       "key by key",
		`lower('a')[0] = 'a'`:                                "only an attribute",
		`hasThreatMatch(device_ip)`:                          "list of attributes",
		`hasThreatMatch([device_ip], x > 1)`:                 "no x",
		`hasThreatMatch([device_ip], confidence)`:            "compares fields",
		`hasThreatMatch([device_ip], confidence > 1, maybe)`: "active_indicators",
		`hasThreatMatch([device_ip])`:                        "no store",
		`[device_ip] = 'a'`:                                  "hasThreatMatch",
		`json field=fields "a[" as b where b = 1`:            "no path",
		`user_username RLIKE '(?<!a)b('`:                     "cannot be used",
		`if(1 = 1, 2) = 2`:                                   "3 arguments",
		`concat() = 'a'`:                                     "1 or more",
		`substring('a') = 'a'`:                               "2 to 3",
		`sha256('a') = 'a'`:                                  "no function",
	} {
		if _, _, ds := lowered(t, text, nil); len(ds) == 0 || !strings.Contains(ds[0].Message+ds[0].Help, want) {
			t.Errorf("%s: %v, want %q", text, ds, want)
		}
	}
}

func TestSIEMThreat(t *testing.T) {
	file := t.TempDir() + "/feed.csv"
	text := "indicator,type,confidence,source,validUntil\n" +
		"10.1.2.0/24,ipv4-addr,60,s1,\nevil.example,domain-name,20,s2,\nhttp://h/p,url,90,s1,1600000000\nabc,file:hashes.MD5,80,s3,\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var lib lookup.Library
	if err := lib.ReadThreat("", file); err != nil {
		t.Fatal(err)
	}
	rec := map[string]event.Value{"file_hash_md5": event.Text("ABC")}
	for k, v := range someRecord {
		rec[k] = v
	}
	for text, want := range map[string]bool{
		`hasThreatMatch([device_ip])`: true, `hasThreatMatch([device_ip], confidence > 50)`: true, `hasThreatMatch([device_ip], confidence > 60)`: false, `hasThreatMatch([device_ip], confidence => 60)`: true,
		`hasThreatMatch([device_ip, dns_queryDomain], source="s2" OR (source="s3" AND confidence > 1))`: true, `hasThreatMatch([dns_queryDomain], type='domain-name')`: true, `hasThreatMatch([dns_queryDomain], 'confidence < 50')`: true,
		`hasThreatMatch([http_url])`: false, `hasThreatMatch([http_url], expired_indicators)`: true, `hasThreatMatch([http_url], confidence > 50, ALL_indicators)`: true, `hasThreatMatch([device_ip], expired_indicators)`: false,
		`hasThreatMatch([file_hash_md5], type="file:hashes")`: true, `hasThreatMatch([baseImage])`: false,
	} {
		if got := recordValue(t, text, rec, lib.Threat()).True(); got != want {
			t.Errorf("%s is %v", text, got)
		}
	}
}

// TestPublishedRulesAreKnown reads the index of the product's own rules: each
// attribute and function that they name is known, but for the spelling that the
// product takes for null.
func TestPublishedRulesAreKnown(t *testing.T) {
	text, err := os.ReadFile(sharedtest.Path(t, "data/cse/rules-index.json"))
	if err != nil {
		t.Skip(err)
	}
	var index struct {
		Rules []struct {
			ID                string
			Fields, Functions []string
			Entities          []struct{ Attribute string }
			Group             []string `json:"group_by"`
		}
	}
	if err := json.Unmarshal(text, &index); err != nil {
		t.Fatal(err)
	}
	if len(index.Rules) != 1037 {
		t.Errorf("%d rules", len(index.Rules))
	}
	for _, r := range index.Rules {
		for _, f := range r.Functions {
			if fn.SIEM(f) == nil && f != "hasthreatmatch" && f != "anyhttpheadermatches" && f != "if" {
				t.Errorf("%s: the function %s is not known", r.ID, f)
			}
		}
		for _, e := range r.Entities {
			r.Fields = append(r.Fields, e.Attribute)
		}
		for _, a := range append(r.Fields, r.Group...) {
			if d := rule.AttributeProblem(a); d != nil && d.Severity == diag.Error {
				t.Errorf("%s: %s", r.ID, d.Message)
			}
		}
	}
}

// A long chain of conditions takes no deep stack and no more than linear time.
func TestSIEMOfManyTerms(t *testing.T) {
	text := strings.TrimSuffix(strings.Repeat("srcPort=1 OR ", 75_000), " OR ")
	if recordValue(t, text, someRecord, nil).True() {
		t.Error("a port of 445 is 1")
	}
	if !recordValue(t, text+" OR srcPort=445", someRecord, nil).True() {
		t.Error("the last of many terms does not count")
	}
}

// FuzzSIEM runs whatever text is an expression over records of random attributes.
func FuzzSIEM(f *testing.F) {
	for _, s := range []string{
		`lower(user_username) LIKE '%b\%' AND NOT (srcPort IN (1, '2') OR listMatches[0] = 'x')`, `json field=fields "a.b[0]" as c | where toInt(c) > 5 && fields.d.e[1] = 'f'`,
		`anyHttpHeaderMatches(http_requestHeaders, '(a+)+$')`, `substring(commandLine, srcPort, 5) RLIKE concat('^', user_username)`, `hexToDec(commandLine) % srcPort <=> null`,
		`base64Decode(commandLine) matches '*?x'`, `haversine(1, srcPort, num(commandLine), 4) BETWEEN -1 AND 5m`, `if(success, size(fieldTags['a']), round(srcPort, -400)) == 1`,
	} {
		f.Add(s, "abc", int64(7))
	}
	f.Fuzz(func(t *testing.T, src, text string, n int64) {
		x, ds := siem.Parse(diag.Text("fuzz", src))
		if ds.HasErrors() {
			return
		}
		l := event.NewLayout()
		cond, ds := rule.LowerSIEM(x, rule.RecordAttributes(l))
		if ds.HasErrors() {
			return
		}
		var b event.Batch
		for i := range 4 {
			row := b.AddRow(0, uint64(i))
			for s := range l.Len() {
				switch (s + i) % 4 {
				case 0:
					b.Col(event.Slot(s)).Set(row, event.Text(text))
				case 1:
					b.Col(event.Slot(s)).Set(row, event.Int(n))
				case 2:
					b.Col(event.Slot(s)).Set(row, event.List(`["`+"x"+`",1,null]`))
				}
			}
		}
		run := expr.Compile(cond).Open(&expr.Env{})
		for row := range b.N {
			fixed := expr.Fold(expr.Replace(cond, func(f *expr.Field) expr.Expr {
				return &expr.Const{Value: b.Value(f.Slot, uint16(row))}
			}))
			want, ok := fixed.(*expr.Const)
			if got := run.Value(&b, uint16(row)); !ok || got.True() != want.Value.True() {
				t.Fatalf("%s: compiled %v, computed %v", src, got, fixed)
			}
		}
	})
}
