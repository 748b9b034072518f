"""Salesforce Pub/Sub API (`eventbus.v1.PubSub`): the interface file and the code generated from it.

`pubsub_api.proto` is written from the vendor's published field numbers. After changing it, generate again from the
root of the repository:

    python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. --grpc_python_out=. \
        schemas/vendors/salesforce_pubsub/pubsub_api.proto
"""
