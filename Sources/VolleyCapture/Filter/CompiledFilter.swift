internal import CPcap
import VolleyWire

/// One expression compiled for one link type: the owner of libpcap's `bpf_program`.
@safe
final class CompiledFilter {
    let linkType: LinkType
    private var program = unsafe bpf_program()
    /// Bytes before the IP packet that the program does not see.
    private let hiddenLength: Int

    init(_ expression: String, linkType: LinkType) throws(CaptureError) {
        self.linkType = linkType
        hiddenLength = linkType == .null || linkType == .loop ? 4 : 0
        let compiled = unsafe Self.compile(expression, dataLink: Self.dataLink(linkType), into: &program)
        if let complaint = compiled {
            throw CaptureError(
                .invalidFilter, file: "filter '\(expression)'", "not a filter for link type \(linkType): \(complaint)")
        }
    }

    deinit {
        // SAFETY: the program was filled by `pcap_compile`, or is all zeros, which `pcap_freecode` takes as well.
        unsafe pcap_freecode(&program)
    }

    /// Whether a packet of this link type matches.
    func matches(_ packet: RawSpan, originalLength: Int) -> Bool {
        guard packet.byteCount >= hiddenLength else { return false }
        let visible = packet.extracting(hiddenLength...)
        let wireLength = UInt32(clamping: max(originalLength, packet.byteCount))
        // SAFETY: the program is one libpcap compiled, and `bpf_filter` reads only the `buflen` bytes it is told of.
        return unsafe visible.withUnsafeBytes { bytes in
            unsafe bpf_filter(
                program.bf_insns, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), wireLength,
                UInt32(clamping: bytes.count)) != 0
        }
    }

    /// Compiles into `program`; the answer is libpcap's error, `nil` if there is none.
    private static func compile(_ expression: String, dataLink: Int32, into program: inout bpf_program) -> String? {
        guard let handle = unsafe pcap_open_dead(dataLink, Int32(CaptureWriter.packetLengthMax)) else {
            return "libpcap is out of memory"
        }
        // SAFETY: the handle is closed once, and its error text is copied before.
        defer { unsafe pcap_close(handle) }
        guard unsafe pcap_compile(handle, &program, expression, 1, 0xffff_ffff) != 0 else { return nil }
        return unsafe String(cString: pcap_geterr(handle))
    }

    /// libpcap's own number (`DLT_`) for a file's (`LINKTYPE_`); they differ for the types older than the second.
    private static func dataLink(_ linkType: LinkType) -> Int32 {
        if linkType.isRawIP || linkType == .null || linkType == .loop { return 12 }
        switch linkType.rawValue {
        case 100: return 11
        case 106: return 19
        default: return Int32(truncatingIfNeeded: linkType.rawValue)
        }
    }
}
