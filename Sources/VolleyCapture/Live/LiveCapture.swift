internal import CPcap
internal import SystemPackage
internal import VolleyCore
public import VolleyWire

/// Packets of a network interface, by libpcap.
///
/// Takes root or `CAP_NET_RAW`. Packets are handed over as soon as they come (libpcap's immediate mode), with their time
/// in nanoseconds where the system has it. Not thread-safe, but for ``stopper``.
@safe
public final class LiveCapture {
    /// How to capture.
    public struct Options: Hashable, Sendable {
        /// The most bytes taken of a packet, 1 to 262,144.
        public var snapLength = CaptureWriter.packetLengthMax
        /// Whether to take what is for other hosts, too.
        public var isPromiscuous = false
        /// The size of the kernel's capture buffer in bytes; `nil` for libpcap's, which is 2 MiB on Linux.
        public var bufferSize: Int?

        /// Whole packets of this host.
        public init() {}
    }

    /// The interface, as given.
    public let interface: String
    /// What the packets begin with.
    public let linkType: LinkType
    /// Ends ``receive(within:_:)``, from any thread.
    public let stopper: CaptureStopper

    private static let burstMax = 65_536

    private let handle: OpaquePointer
    private let descriptor: FileDescriptor
    private let nanosecondsPerUnit: Int64
    private let snapLength: Int
    private var counters = CaptureInterfaceStatistics()
    private var lastCounters: (received: UInt32, byKernel: UInt32, byInterface: UInt32) = (0, 0, 0)

    /// Opens an interface and begins to capture.
    ///
    /// - Parameters:
    ///   - interface: its name, such as `eth0`; `any` is all of them.
    ///   - filter: takes only packets that match (pcap-filter(7)); the kernel drops the others before they are copied.
    ///   - options: how to capture.
    /// - Throws: ``CaptureError`` with the code ``CaptureError/Code/cannotCapture`` or
    ///   ``CaptureError/Code/invalidFilter``, and libpcap's words.
    public init(interface: String, filter: String? = nil, options: Options = Options()) throws(CaptureError) {
        guard 1...CaptureWriter.packetLengthMax ~= options.snapLength, 1...Int(Int32.max) ~= options.bufferSize ?? 1
        else {
            throw CaptureError(
                .invalidArgument, file: interface, "a snap length is 1 to 262144, a buffer 1 to 2147483647 bytes")
        }
        stopper = try CaptureStopper()
        let handle = try unsafe Self.activate(interface, options)
        self.interface = interface
        snapLength = options.snapLength
        unsafe self.handle = handle
        // SAFETY: the handle is active, and closed by `deinit` alone.
        linkType = unsafe Self.linkType(ofDataLink: pcap_datalink(handle))
        nanosecondsPerUnit = unsafe pcap_get_tstamp_precision(handle) == PCAP_TSTAMP_PRECISION_NANO ? 1 : 1_000
        descriptor = unsafe FileDescriptor(rawValue: pcap_get_selectable_fd(handle))
        if let filter { try setFilter(filter) }
    }

    deinit {
        // SAFETY: opened by the initialiser, and closed once.
        unsafe pcap_close(handle)
    }

    /// Waits for packets, and gives `body` all there are, at most 65,536.
    ///
    /// - Parameters:
    ///   - milliseconds: how long to wait for the first one.
    ///   - body: gets the bytes, which are valid during the call, the time in nanoseconds since the Unix epoch and the
    ///     length on the wire; it returns whether it wants more now.
    /// - Returns: `false` once ``CaptureStopper/stop()`` was called.
    /// - Throws: ``CaptureError`` when the interface has gone, and what `body` throws.
    public func receive(
        within milliseconds: Int32, _ body: (RawSpan, Int64, Int) throws(CaptureError) -> Bool
    ) throws(CaptureError) -> Bool {
        let isStopped: Bool
        do throws(Errno) {
            let ready = try ChildStreams.wait(
                for: [(stopper.reading, false), (descriptor, false)], milliseconds: milliseconds)
            isStopped = ready[0]
        } catch {
            throw CaptureError(.cannotCapture, file: interface, errno: error, "cannot wait for packets")
        }
        // What has come before the stop is taken, and no flood keeps the caller from its clock.
        for _ in 0..<Self.burstMax {
            guard try receiveOne(body) else { break }
        }
        return !isStopped
    }

    /// Takes one packet, if there is one; whether to go on.
    private func receiveOne(_ body: (RawSpan, Int64, Int) throws(CaptureError) -> Bool) throws(CaptureError) -> Bool {
        var header: UnsafeMutablePointer<pcap_pkthdr>?
        var bytes: UnsafePointer<UInt8>?
        // SAFETY: libpcap owns what it points to until its next call, which comes after `body` has returned.
        let status = unsafe pcap_next_ex(handle, &header, &bytes)
        guard status >= 0 else { throw failure(.cannotCapture, "cannot receive") }
        guard status == 1, let header = unsafe header, let bytes = unsafe bytes else { return false }
        let captured = unsafe min(Int(header.pointee.caplen), snapLength)
        let packet = unsafe RawSpan(_unsafeStart: bytes, byteCount: captured)
        let time = unsafe header.pointee.ts
        return try unsafe body(
            packet, Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_usec) * nanosecondsPerUnit,
            Int(header.pointee.len))
    }

    /// How many packets have come and were lost so far (pcap_stats(3)).
    ///
    /// The system counts in 32 bits: the sums are right as long as this is looked at once per four thousand million
    /// packets.
    public var statistics: CaptureInterfaceStatistics {
        var now = pcap_stat()
        // SAFETY: the call writes only `now`.
        guard unsafe pcap_stats(handle, &now) == 0 else { return counters }
        counters.received += UInt64(now.ps_recv &- lastCounters.received)
        counters.droppedByKernel += UInt64(now.ps_drop &- lastCounters.byKernel)
        counters.droppedByInterface += UInt64(now.ps_ifdrop &- lastCounters.byInterface)
        lastCounters = (now.ps_recv, now.ps_drop, now.ps_ifdrop)
        return counters
    }

    private func setFilter(_ expression: String) throws(CaptureError) {
        var program = unsafe bpf_program()
        guard unsafe pcap_compile(handle, &program, expression, 1, 0xffff_ffff) == 0 else {
            throw failure(
                .invalidFilter, "not a filter for link type \(linkType)", about: "filter '\(expression)'")
        }
        // SAFETY: the program was filled by `pcap_compile`; the kernel and libpcap keep copies.
        defer { unsafe pcap_freecode(&program) }
        guard unsafe pcap_setfilter(handle, &program) == 0 else {
            throw failure(.cannotCapture, "cannot set the filter")
        }
    }

    private func failure(_ code: CaptureError.Code, _ what: String, about: String? = nil) -> CaptureError {
        CaptureError(code, file: about ?? interface, "\(what): \(unsafe String(cString: pcap_geterr(handle)))")
    }

    /// A handle that captures.
    private static func activate(_ interface: String, _ options: Options) throws(CaptureError) -> OpaquePointer {
        var words = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
        guard let handle = unsafe pcap_create(interface, &words) else {
            throw CaptureError(.cannotCapture, file: interface, "cannot capture: \(text(words))")
        }
        // With room for a VLAN tag, for which the kernel takes four bytes of what is asked for.
        unsafe pcap_set_snaplen(handle, Int32(options.snapLength + 16))
        unsafe pcap_set_promisc(handle, options.isPromiscuous ? 1 : 0)
        unsafe pcap_set_immediate_mode(handle, 1)
        unsafe pcap_set_tstamp_precision(handle, PCAP_TSTAMP_PRECISION_NANO)
        if let size = options.bufferSize { unsafe pcap_set_buffer_size(handle, Int32(size)) }
        let status = unsafe pcap_activate(handle)
        // Above zero are warnings, such as that the interface has no promiscuous mode.
        guard status >= 0, unsafe pcap_setnonblock(handle, 1, &words) == 0 else {
            let detail = unsafe String(cString: pcap_geterr(handle))
            unsafe pcap_close(handle)
            throw CaptureError(.cannotCapture, file: interface, explanation(status, detail))
        }
        return unsafe handle
    }

    private static func explanation(_ status: Int32, _ detail: String) -> String {
        let words = detail.isEmpty ? unsafe String(cString: pcap_statustostr(status)) : detail
        switch status {
        case PCAP_ERROR_PERM_DENIED, PCAP_ERROR_PROMISC_PERM_DENIED:
            return "capturing takes root or the capability CAP_NET_RAW (setcap cap_net_raw+ep on the program): \(words)"
        case PCAP_ERROR_NO_SUCH_DEVICE: return "there is no such interface (ip link lists them): \(words)"
        case PCAP_ERROR_IFACE_NOT_UP: return "the interface is down (ip link set … up): \(words)"
        default: return "cannot capture: \(words)"
        }
    }

    private static func text(_ words: [CChar]) -> String {
        String(decoding: words.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The file's number (`LINKTYPE_`) for libpcap's own (`DLT_`), where they differ on Linux.
    private static func linkType(ofDataLink number: Int32) -> LinkType {
        switch number {
        case 12: .rawIP
        case 11: LinkType(rawValue: 100)
        case 19: LinkType(rawValue: 106)
        default: LinkType(rawValue: UInt32(bitPattern: number))
        }
    }
}

/// Ends a ``LiveCapture``, from any thread, once and for all.
public final class CaptureStopper: Sendable {
    let reading: FileDescriptor
    private let writing: FileDescriptor

    init() throws(CaptureError) {
        do throws(Errno) {
            (reading, writing) = try ChildStreams.pipe()
        } catch {
            throw CaptureError(.cannotCapture, file: "pipe", errno: error, "cannot be stopped")
        }
    }

    deinit { for end in [reading, writing] { try? end.close() } }

    /// Makes this and every later ``LiveCapture/receive(within:_:)`` return `false`.
    public func stop() {
        // A full pipe has been written to before.
        _ = try? writing.writeAll([1])
    }
}
