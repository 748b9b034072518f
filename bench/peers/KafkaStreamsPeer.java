// The same work in Kafka Streams: decode with Avro, look up, route, add three fields, encode, headers.
// Run from source by a JDK: java -cp <jars> KafkaStreamsPeer.java '{"bootstrap": ..., "source": ..., ...}'
// Prints its reading from a third of the records on: what the JVM does while it warms up is left out.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.management.OperatingSystemMXBean;
import java.io.ByteArrayOutputStream;
import java.lang.management.ManagementFactory;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.avro.Conversions;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;

public class KafkaStreamsPeer {
  record Client(String name, String costCentre, BigDecimal share) {}

  static final Map<String, Client> TABLE = new HashMap<>();
  static final CountDownLatch ENDED = new CountDownLatch(1);
  static final OperatingSystemMXBean SYSTEM = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
  static long handled, wanted, began, cpu;
  static String reading;

  public static void main(String[] arguments) throws Exception {
    JsonNode want = new ObjectMapper().readTree(arguments[0]);
    wanted = want.get("records").asLong();
    for (int i = 0; i < 5000; i++) {
      TABLE.put(String.format("001%06d", i),
          new Client("Client number " + i + " Ltd", String.format("CC-%03d", i % 17), BigDecimal.valueOf(i % 97 + 1, 4)));
    }
    Schema in = new Schema.Parser().parse(want.get("canonical").toString());
    Schema out = new Schema.Parser().parse(want.get("enriched").toString());

    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, want.get("group").asText());
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, want.get("bootstrap").asText());
    settings.put(StreamsConfig.STATE_DIR_CONFIG, want.get("folder").asText());
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1000);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
    settings.put("auto.offset.reset", "earliest");
    settings.put(StreamsConfig.producerPrefix("acks"), "all");
    settings.put(StreamsConfig.producerPrefix("enable.idempotence"), true);
    settings.put(StreamsConfig.producerPrefix("compression.type"), "lz4");
    settings.put(StreamsConfig.producerPrefix("linger.ms"), 5);
    settings.put(StreamsConfig.consumerPrefix("isolation.level"), "read_committed");

    StreamsBuilder builder = new StreamsBuilder();
    builder.stream(want.get("source").asText(), Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
        .process(() -> new Enrich(in, out))
        .to((key, value, context) ->
                new String(context.headers().lastHeader("route").value(), StandardCharsets.UTF_8),
            Produced.with(Serdes.ByteArray(), Serdes.ByteArray()));
    KafkaStreams streams = new KafkaStreams(builder.build(), settings);
    streams.start();
    ENDED.await();
    System.out.println(reading);
    Runtime.getRuntime().halt(0);
  }

  static void count() {
    handled++;
    if (handled == wanted / 3) {
      began = System.nanoTime();
      cpu = SYSTEM.getProcessCpuTime();
    }
    if (handled == wanted) {
      double seconds = (System.nanoTime() - began) / 1e9, used = (SYSTEM.getProcessCpuTime() - cpu) / 1e9;
      reading = String.format(java.util.Locale.ROOT,
          "{\"records\": %d, \"seconds\": %f, \"cpu_seconds\": %f, \"rss_mb\": 0}", wanted - wanted / 3, seconds, used);
      ENDED.countDown();
    }
  }

  static class Enrich implements Processor<byte[], byte[], byte[], byte[]> {
    final GenericDatumReader<GenericRecord> reader;
    final GenericDatumWriter<GenericRecord> writer;
    final Schema out, enrichment;
    BinaryDecoder decoder;
    BinaryEncoder encoder;
    ProcessorContext<byte[], byte[]> context;

    Enrich(Schema in, Schema out) {
      GenericData data = new GenericData();
      data.addLogicalTypeConversion(new Conversions.DecimalConversion());
      this.out = out;
      this.enrichment = out.getField("enrichment").schema();
      this.reader = new GenericDatumReader<>(in, in, data);
      this.writer = new GenericDatumWriter<>(out, data);
    }

    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
      this.context = context;
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      try {
        byte[] value = record.value();
        decoder = DecoderFactory.get().binaryDecoder(value, 5, value.length - 5, decoder);
        GenericRecord event = reader.read(null, decoder);
        Client client = TABLE.get(event.get("client_id").toString());
        GenericRecord added = new GenericData.Record(enrichment);
        added.put("client_name", client.name());
        added.put("cost_centre", client.costCentre());
        added.put("cost_share", client.share());
        GenericRecord enriched = new GenericData.Record(out);
        for (Schema.Field field : event.getSchema().getFields()) {
          enriched.put(field.name(), event.get(field.pos()));
        }
        enriched.put("enrichment", added);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(400);
        bytes.write(ByteBuffer.allocate(5).put((byte) 0).putInt(2).array());
        encoder = EncoderFactory.get().binaryEncoder(bytes, encoder);
        writer.write(enriched, encoder);
        encoder.flush();
        RecordHeaders headers = new RecordHeaders(record.headers());
        headers.remove("ce_type");
        headers.add("ce_type", "psf.enriched.bench.TimeApproved.v1".getBytes(StandardCharsets.UTF_8));
        String target = event.get("legal_entity").toString().equals("UK01") ? "deliver.bench-uk" : "deliver.bench-us";
        headers.add("route", target.getBytes(StandardCharsets.UTF_8));
        context.forward(record.withValue(bytes.toByteArray()).withHeaders(headers));
        count();
      } catch (java.io.IOException broken) {
        throw new java.io.UncheckedIOException(broken);
      }
    }
  }
}
