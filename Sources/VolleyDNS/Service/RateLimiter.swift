public import VolleyCore

/// Limits how many answers go to a network: a counter for each prefix of a ladder, in a table whose size never changes.
///
/// Each counter leaks at the rate of its prefix, and an answer is let through if none of its counters is full: the rate
/// is for one address, its multiplier for the prefix. Counters of strangers that meet in the table share it by who was
/// heard of last: with more active prefixes than places, some are counted too low, none is charged for another.
public struct RateLimiter {
    /// A rung of the ladder.
    public struct Rung: Hashable, Sendable {
        /// The length of the prefix in bits.
        public var prefix: Int
        /// How many times the rate of one address it may have: 1…1,000,000.
        public var multiplier: Int

        /// A prefix and its multiplier.
        public init(prefix: Int, multiplier: Int) {
            self.prefix = prefix
            self.multiplier = multiplier
        }

        fileprivate mutating func clamp() { multiplier = max(1, min(multiplier, 1_000_000)) }
    }

    /// What is limited, and how.
    public struct Options: Sendable {
        /// Answers a second for one address: 1…1,000,000.
        public var rate = 20
        /// How many seconds' worth may come at once: 1…3,600.
        public var window = 5
        /// The prefixes of IPv4 that are counted.
        public var ipv4 = [
            Rung(prefix: 32, multiplier: 1), Rung(prefix: 24, multiplier: 32), Rung(prefix: 20, multiplier: 256),
            Rung(prefix: 16, multiplier: 768),
        ]
        /// The prefixes of IPv6 that are counted.
        public var ipv6 = [
            Rung(prefix: 128, multiplier: 1), Rung(prefix: 64, multiplier: 2), Rung(prefix: 56, multiplier: 3),
            Rung(prefix: 48, multiplier: 4), Rung(prefix: 32, multiplier: 64),
        ]
        /// Of how many limited answers one goes out with TC, so that an innocent client asks again over TCP: 1 for all,
        /// 0 for none.
        public var slip = 2
        /// Whether everything is let through and only counted.
        public var isDryRun = false
        /// How many counters there are; rounded up to a power of two, at least 1,024.
        ///
        /// A counter takes 20 octets.
        public var tableSize = 65_536
        /// What decides where counters lie; random by default, so that nobody can aim at one.
        public var seed = UInt64.random(in: .min ... .max)

        /// 20 answers a second for one address, five seconds' worth at once, every other limited one with TC.
        public init() {}
    }

    /// What is to be done with an answer.
    public enum Decision: Sendable {
        /// Send it.
        case pass
        /// Send only TC.
        case slip
        /// Send nothing.
        case drop
    }

    private struct Counter {
        /// Which prefix it is of; 0 for none.
        var tag: UInt32 = 0
        /// How full it is, in 1/1000 of an answer.
        var level: UInt64 = 0
    }

    private let options: Options
    private var counters: [Counter]
    /// When each was last brought up to date, in milliseconds.
    private var times: [UInt32]
    private var limited = 0

    /// A limiter whose counters are all empty.
    public init(_ options: Options = Options()) {
        var options = options
        // What the counters can count: the products below stay far from the end of their range.
        options.rate = max(1, min(options.rate, 1_000_000))
        options.window = max(1, min(options.window, 3600))
        for index in options.ipv4.indices { options.ipv4[index].clamp() }
        for index in options.ipv6.indices { options.ipv6[index].clamp() }
        self.options = options
        var size = 1024
        while size < min(options.tableSize, 1 << 28) { size *= 2 }
        counters = [Counter](repeating: Counter(), count: size)
        times = [UInt32](repeating: 0, count: size)
    }

    /// Whether limits are only counted.
    public var isDryRun: Bool { options.isDryRun }

    /// Judges an answer to a client.
    ///
    /// - Parameters:
    ///   - address: the client's; an IPv4-mapped one is an IPv4 address.
    ///   - now: the loop's time.
    /// - Returns: what would be done without ``Options/isDryRun``; who asks has to heed that.
    public mutating func judge(_ address: IPAddress, now: MonotonicInstant) -> Decision {
        let address = address.unmapped
        let milliseconds = UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000)
        let ladder = address.isIPv6 ? options.ipv6 : options.ipv4
        // First all are asked, then all are charged: what is not sent does not count.
        for rung in ladder {
            let (place, tag) = place(of: address, rung.prefix)
            let capacity = UInt64(options.rate * options.window * rung.multiplier) * 1000
            guard level(at: place, tag, rung, milliseconds) + 1000 <= capacity else {
                limited &+= 1
                return options.slip > 0 && limited % options.slip == 0 ? .slip : .drop
            }
        }
        for rung in ladder {
            let (place, tag) = place(of: address, rung.prefix)
            counters[place] = Counter(tag: tag, level: level(at: place, tag, rung, milliseconds) + 1000)
            times[place] = milliseconds
        }
        return .pass
    }

    private func level(at place: Int, _ tag: UInt32, _ rung: Rung, _ now: UInt32) -> UInt64 {
        guard counters[place].tag == tag else { return 0 }
        // After the longest window every counter is empty.
        let elapsed = min(UInt64(now &- times[place]), 3_600_000)
        let leaked = elapsed * UInt64(options.rate * rung.multiplier)
        return counters[place].level > leaked ? counters[place].level - leaked : 0
    }

    /// Where the counter of a prefix lies: its own place, or that of the two which is not another's.
    private func place(of address: IPAddress, _ prefix: Int) -> (Int, UInt32) {
        let length = max(0, min(prefix, address.octetCount * 8))
        let high = address.isIPv6 ? address.high & Self.leading(length) : 0
        let low = address.low & (address.isIPv6 ? Self.leading(length - 64) : Self.leading(length) >> 32)
        var hash = options.seed ^ UInt64(length) &* 0x9e37_79b9_7f4a_7c15
        hash = Self.mix(Self.mix(Self.mix(hash, high), low), address.isIPv6 ? 6 : 4)
        let tag = UInt32(truncatingIfNeeded: hash >> 32) | 1
        let first = Int(truncatingIfNeeded: hash) & (counters.count - 1)
        if counters[first].tag == tag || counters[first].tag == 0 { return (first, tag) }
        let second = Int(truncatingIfNeeded: (hash &* 0x2545_f491_4f6c_dd1d) >> 20) & (counters.count - 1)
        if counters[second].tag == tag { return (second, tag) }
        // The older of the two gives way.
        return (Int32(bitPattern: times[first] &- times[second]) <= 0 ? first : second, tag)
    }

    /// The uppermost `count` bits.
    private static func leading(_ count: Int) -> UInt64 {
        count <= 0 ? 0 : count >= 64 ? .max : ~(UInt64.max >> UInt64(count))
    }

    private static func mix(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        let mixed = (hash ^ word) &* 0xd6e8_feb8_6659_fd93
        return mixed ^ mixed >> 32
    }
}
