"""What is deployed in the lab in Datatrail's place: images, compose files, repositories."""
