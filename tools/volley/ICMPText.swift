import VolleyCapture
import VolleyCore

extension ICMPErrorCount {
    /// What the type and code mean (the IANA's ICMP and ICMPv6 parameters), shortly.
    var meaning: String {
        switch (family == .ipv6, type, code) {
        case (false, 3, 0): "network unreachable"
        case (false, 3, 1): "host unreachable"
        case (false, 3, 2): "protocol unreachable"
        case (false, 3, 3): "port unreachable"
        case (false, 3, 4): "fragmentation needed"
        case (false, 3, 9), (false, 3, 10), (false, 3, 13): "prohibited"
        case (false, 3, _): "destination unreachable"
        case (false, 4, _): "source quench"
        case (false, 11, 0): "time to live exceeded"
        case (false, 11, _): "reassembly time exceeded"
        case (true, 1, 0): "no route"
        case (true, 1, 1), (true, 1, 5): "prohibited"
        case (true, 1, 3): "address unreachable"
        case (true, 1, 4): "port unreachable"
        case (true, 1, _): "destination unreachable"
        case (true, 2, _): "packet too big"
        case (true, 3, 0): "hop limit exceeded"
        case (true, 3, _): "reassembly time exceeded"
        case (false, 12, _), (true, 4, _): "parameter problem"
        default: "unknown"
        }
    }
}

/// The names of DNS response codes (RFC 6895) by number.
let dnsResponseCodeNames = [
    "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH",
    "NOTZONE", "DSOTYPENI", "RCODE12", "RCODE13", "RCODE14", "RCODE15",
]
