package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestPolicy(t *testing.T) {
	for _, tt := range []struct {
		args                  []string
		list, read, condition string
	}{
		{[]string{"s3://photos"}, "arn:aws:s3:::photos", "arn:aws:s3:::photos/*", ""},
		{[]string{"photos/"}, "arn:aws:s3:::photos", "arn:aws:s3:::photos/*", ""},
		{[]string{"s3://photos/2026"}, "arn:aws:s3:::photos", "arn:aws:s3:::photos/2026/*", "2026/*"},
		{[]string{"s3://photos/2026/"}, "arn:aws:s3:::photos", "arn:aws:s3:::photos/2026/*", "2026/*"},
		{[]string{"s3://photos/a b/é"}, "arn:aws:s3:::photos", "arn:aws:s3:::photos/a b/é/*", "a b/é/*"},
		{[]string{"s3://photos/*?${x}"}, "arn:aws:s3:::photos", "arn:aws:s3:::photos/${*}${?}${$}{x}/*", "${*}${?}${$}{x}/*"},
		{[]string{"--region", "cn-north-1", "s3://photos"}, "arn:aws-cn:s3:::photos", "arn:aws-cn:s3:::photos/*", ""},
		{[]string{"--region", "us-gov-west-1", "s3://photos"}, "arn:aws-us-gov:s3:::photos", "arn:aws-us-gov:s3:::photos/*", ""},
		{[]string{"s3://" + point + "/2026"}, point, point + "/object/2026/*", "2026/*"},
		{[]string{"--region", "us-east-1", strings.Replace(strings.Replace(point, "aws", "aws-cn", 1), "eu-west-1", "cn-north-1", 1)},
			"arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/point", "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/point/object/*", ""},
		{[]string{"--region", "eu-north-1", "s3://photos"}, "arn:aws:s3:::photos", "arn:aws:s3:::photos/*", ""},
	} {
		code, stdout, stderr := runs(append([]string{"policy"}, tt.args...)...)
		var p policy
		if err := json.Unmarshal([]byte(stdout), &p); code != 0 || err != nil || stderr != "" || len(p.Statement) != 2 {
			t.Fatalf("policy %q: exit code %d, %v, %s%s", tt.args, code, err, stdout, stderr)
		}
		list, read := p.Statement[0], p.Statement[1]
		if list.Resource != tt.list || read.Resource != tt.read || list.Condition["StringLike"]["s3:prefix"] != tt.condition {
			t.Errorf("policy %q: %s", tt.args, stdout)
		}
		if strings.Contains(stdout, "Condition") != (tt.condition != "") || strings.Contains(stdout, "Put") || strings.Contains(stdout, "Delete") {
			t.Errorf("policy %q: %s", tt.args, stdout)
		}
	}
	for _, tt := range []struct {
		args       []string
		list, read string
	}{
		{[]string{"s3://photos"}, "s3:ListBucket", "s3:GetObject s3:GetObjectVersion"},
		{[]string{"--at", "7d", "s3://photos"}, "s3:ListBucketVersions", "s3:GetObjectVersion"},
		{[]string{"--versions", "s3://photos"}, "s3:ListBucketVersions", "s3:GetObject s3:GetObjectVersion"},
		{[]string{"--versions", "--at=2026-01-01", "s3://photos"}, "s3:ListBucketVersions", "s3:GetObjectVersion"},
	} {
		_, stdout, _ := runs(append([]string{"policy"}, tt.args...)...)
		var p policy
		if err := json.Unmarshal([]byte(stdout), &p); err != nil || len(p.Statement) != 2 ||
			strings.Join(p.Statement[0].Action, " ") != tt.list || strings.Join(p.Statement[1].Action, " ") != tt.read {
			t.Errorf("policy %q: %v, %s", tt.args, err, stdout)
		}
	}
	code, stdout, stderr := runs("policy", "--no-list", "s3://photos/2026")
	if code != 0 || strings.Contains(stdout, "ListBucket") || !strings.Contains(stdout, "arn:aws:s3:::photos/2026/*") || !strings.Contains(stderr, "403") {
		t.Errorf("policy --no-list: exit code %d, %s%s", code, stdout, stderr)
	}
	var all policy
	_, stdout, _ = runs("policy", "s3://")
	if err := json.Unmarshal([]byte(stdout), &all); err != nil || len(all.Statement) != 3 || all.Statement[0].Action[0] != "s3:ListAllMyBuckets" ||
		all.Statement[1].Resource != "arn:aws:s3:::*" || all.Statement[2].Resource != "arn:aws:s3:::*/*" {
		t.Errorf("policy s3://: %s", stdout)
	}
	if _, stdout, _ := runs("policy", "--no-list", "s3://"); strings.Contains(stdout, "List") {
		t.Errorf("policy --no-list s3://: %s", stdout)
	}
	t.Setenv("AWS_REGION", "cn-north-1")
	if _, stdout, _ := runs("policy", "s3://photos"); !strings.Contains(stdout, "arn:aws-cn:") {
		t.Errorf("AWS_REGION is nothing to it: %s", stdout)
	}
	for _, args := range [][]string{{}, {"s3://a", "s3://b"}, {"http://host/b"}, {"--json", "s3://b"}, {"s3://point-abc-s3alias"}, {"s3://arn:aws:s3:::b"}} {
		if code, stdout, stderr := runs(append([]string{"policy"}, args...)...); code != exitMisused || stdout != "" || !isTwoLines(stderr) {
			t.Errorf("policy %q: exit code %d, %s%s", args, code, stdout, stderr)
		}
	}
}
