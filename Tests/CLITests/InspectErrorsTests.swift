import Testing
import VolleyCapture
import VolleyCore
import VolleyWire

@Suite("volley inspect --errors")
struct InspectErrorsTests {
    /// Port unreachable from 192.0.2.1, about a datagram from 198.51.100.2:5000 to 192.0.2.1:53, and a source quench.
    static let packets: [[UInt8]] = [3, 4].map { type in
        [0x45, 0, 0, 56, 0, 1, 0, 0, 64, 1, 0, 0, 192, 0, 2, 1, 198, 51, 100, 2]
            + [type, type, 0, 0, 0, 0, 0, 0]
            + [0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 198, 51, 100, 2, 192, 0, 2, 1]
            + [0x13, 0x88, 0, 53, 0, 12, 0, 0]
    }

    @Test("a line for each error that quotes a datagram, tab-separated, and nothing else")
    func lines() throws {
        let writer = CaptureWriter(inMemory: .pcapng, linkType: .rawIP)
        for packet in [[0x45]] + Self.packets { try writer.write(RawSpan(packet.span), at: 0) }
        try writer.close()
        let file = try TemporaryFile(writer.bytes)
        let result = try Command.run("inspect", file.path, "--errors")
        #expect(result.status == 0)
        #expect(
            result.output == """
                2\tv4\t3\t3\t198.51.100.2\t5000\t192.0.2.1\t53\tECONNREFUSED\thard
                3\tv4\t4\t4\t198.51.100.2\t5000\t192.0.2.1\t53\t-\tignored

                """)
        #expect(try Command.run("inspect", file.path, "--errors", "--json").status == 64)
    }

    @Test("what is inside a tunnel is shown where asked for, and unknown tunnels are refused")
    func tunnels() throws {
        let inner: [UInt8] =
            [0x45, 0, 0, 30, 0, 1, 0, 0, 64, 17, 0, 0, 198, 51, 100, 2, 192, 0, 2, 1]
            + [0x13, 0x88, 0, 53, 0, 10, 0, 0, 1, 2]
        let outer: [UInt8] = [0x45, 0, 0, 50, 0, 1, 0, 0, 64, 4, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]
        let writer = CaptureWriter(inMemory: .pcapng, linkType: .rawIP)
        let packet = outer + inner
        try writer.write(RawSpan(packet.span), at: 0)
        try writer.close()
        let file = try TemporaryFile(writer.bytes)
        #expect(try Command.run("inspect", file.path, "--json").output.contains("\"notUDP\" : 1"))
        let result = try Command.run("inspect", file.path, "--json", "--tunnels", "gre,ipip")
        #expect(result.output.contains("\"delivered\" : 1"))
        #expect(try Command.run("inspect", file.path, "--tunnels", "string").status == 64)
        #expect(try Command.run("inspect", file.path, "--fragment-timeout", "-1").status == 64)
    }
}
