import VolleyCapture
import VolleyCore
import VolleyWire

/// Writes what comes out of links into a capture, with the faults as comments.
final class SimulationRecorder {
    /// The links it is for; `nil` for all.
    private let links: [SimulatedLink]?
    private let writer: CaptureWriter
    /// The interface of each link in the capture.
    private var interfaces: [ObjectIdentifier: Int] = [:]
    /// Faults that let nothing out of a link, for the comment of what comes out next.
    private var silent: [ObjectIdentifier: [Int]] = [:]
    /// Why nothing more is written, if so.
    private(set) var failure: CaptureError?

    init(_ writer: CaptureWriter, _ links: [SimulatedLink]?) {
        self.writer = writer
        self.links = links
    }

    private func isFor(_ link: SimulatedLink) -> Bool { links?.contains { $0 === link } ?? true }

    func noteSilence(_ faults: Range<Int>, on link: SimulatedLink) {
        guard isFor(link) else { return }
        silent[ObjectIdentifier(link), default: []] += Array(faults)
    }

    func write(_ packet: SimulationPacket, _ faults: Range<Int>, on link: SimulatedLink, at time: WallClockTime) {
        guard failure == nil, isFor(link) else { return }
        let numbers = (silent.removeValue(forKey: ObjectIdentifier(link)) ?? []) + Array(faults)
        do throws(CaptureError) {
            let interface = try interface(of: link)
            let comment = comment(numbers, link.faults)
            let nanoseconds = time.nanosecondsSinceEpoch
            switch packet.body {
            case .datagram(let payload):
                try writer.writeDatagram(
                    RawSpan(payload.span), from: packet.source, to: packet.destination, at: nanoseconds,
                    interface: interface, comment: comment)
            case .segment(let segment):
                let bytes = segment.packet(from: packet.source, to: packet.destination)
                try writer.write(RawSpan(bytes.span), at: nanoseconds, interface: interface, comment: comment)
            case .icmp(let message):
                guard let bytes = try? ICMPPacket.bytes(of: message) else { return }
                try writer.write(RawSpan(bytes.span), at: nanoseconds, interface: interface, comment: comment)
            }
        } catch {
            failure = error
        }
    }

    private func interface(of link: SimulatedLink) throws(CaptureError) -> Int {
        guard writer.format == .pcapng else { return 0 }
        if let interface = interfaces[ObjectIdentifier(link)] { return interface }
        let interface = try writer.addInterface(linkType: .rawIP, name: link.name)
        interfaces[ObjectIdentifier(link)] = interface
        return interface
    }

    private func comment(_ numbers: [Int], _ faults: FaultInjector?) -> String? {
        guard !numbers.isEmpty, let faults else { return nil }
        return faults.text(of: numbers)
    }
}
